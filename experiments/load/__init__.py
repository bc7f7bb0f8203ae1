"""What the whole local run takes: all models at once, asked on a schedule, with every part of it watched."""
