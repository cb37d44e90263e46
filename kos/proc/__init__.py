"""The life of a task: fork, exec, exit, wait, signals."""
