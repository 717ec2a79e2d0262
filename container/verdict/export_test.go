package verdict

import "maps"

// Texts are all errors that are known by nothing but a text, or by how one begins.
func Texts() map[string]Meaning {
	all := maps.Clone(tables().texts)
	maps.Copy(all, tables().beginnings)
	return all
}
