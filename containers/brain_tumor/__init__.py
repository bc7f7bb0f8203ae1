"""Four networks that tell a scan with a tumour from one without; networks/ has one file for each, and a VGG variant."""
