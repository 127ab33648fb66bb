"""What both image rooms share: training runs, checkpoints, folders of models, devices."""
