"""What is the same for every database of this project: connections, dialects, statements, threads, group commit, versions."""
