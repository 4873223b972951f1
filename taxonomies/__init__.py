"""What a classifier is: taxonomy, prompt, schema, answer. Pure: reads nothing but its own presets."""
