"""From a picture or a scanner's line to a payload, and from a payload to the bill it names."""
