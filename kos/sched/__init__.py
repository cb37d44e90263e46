"""Who runs: tasks, run queues, wait queues."""
