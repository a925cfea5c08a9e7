"""Where artifacts and checkpoints are kept: a folder, or a bucket of an S3 server."""
