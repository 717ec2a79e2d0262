package containers // want "package containers is in no layer; add it to the table of layers, or move it"
