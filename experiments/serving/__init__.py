"""The model server beside the ones a user would pick instead: same models, same pictures, same machine."""
