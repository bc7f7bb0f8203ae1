"""What trainings read: the files of a channel as examples, checked, counted and split."""
