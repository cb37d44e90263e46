"""Files: open files, pipes, the file system in memory."""
