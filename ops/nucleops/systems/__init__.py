"""What is simulated: species, ligands, motifs, boxes, packing, and systems as files."""
