"""The stream: Faust brings batches of records in, a task per partition number judges them, a transaction carries the results out."""
