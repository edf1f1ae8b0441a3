"""What real receivers write of TLS, with the label of who sent; README.md."""
