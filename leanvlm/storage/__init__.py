"""Where cells lie: a folder of this machine, or a bucket that machines share."""
