"""What goes over the wire, one module per dialect: chat, messages, systemone."""
