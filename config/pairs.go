package config

import (
	"slices"

	"go.yaml.in/yaml/v3"
)

// pair is one entry of a mapping.
type pair struct{ key, value *yaml.Node }

// pairs lists the entries of a mapping once each, those of merge keys (<<)
// included: the mapping's own beat merged ones, and of those the first. open
// are the mappings that are being merged already.
func (k *checker) pairs(p path, n *yaml.Node, open []*yaml.Node) []pair {
	open = append(open, n)
	seen := map[string]*yaml.Node{}
	var own, merged []pair
	for i := 0; i+1 < len(n.Content); i += 2 {
		if k.tooLarge() {
			return nil
		}
		key, value := n.Content[i], n.Content[i+1]
		if key.Kind == yaml.AliasNode {
			key = key.Alias
		}
		tag := key.ShortTag()
		if key.Kind != yaml.ScalarNode || tag != textTag && tag != mergeTag {
			k.add(k.origin(key), p, "a key must be text, not %s; put it in quotes", describe(key))
			continue
		}
		if first, ok := seen[key.Value]; ok {
			k.add(k.origin(key), p.with(key.Value), "stands here a second time; the first is at %v", k.origin(first))
			continue
		}
		seen[key.Value] = key
		if tag == mergeTag {
			merged = k.merged(p, value, open)
			continue
		}
		own = append(own, pair{key, value})
	}
	for _, m := range merged {
		if _, ok := seen[m.key.Value]; !ok {
			seen[m.key.Value] = m.key
			own = append(own, m)
		}
	}
	return own
}

// merged lists the entries that a merge key brings: those of a mapping, or of a
// list of mappings.
func (k *checker) merged(p path, n *yaml.Node, open []*yaml.Node) []pair {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	switch {
	case slices.Contains(open, n):
		k.add(k.origin(n), p, "<< merges the map into itself")
	case n.Kind == yaml.MappingNode:
		return k.pairs(p, n, open)
	case n.Kind == yaml.SequenceNode:
		var all []pair
		for _, item := range n.Content {
			if item.Kind == yaml.SequenceNode || item.Kind == yaml.ScalarNode {
				k.add(k.origin(item), p, "<< merges a map, or a list of maps, not %s", describe(item))
				continue
			}
			all = append(all, k.merged(p, item, open)...)
		}
		return all
	default:
		k.add(k.origin(n), p, "<< merges a map, or a list of maps, not %s", describe(n))
	}
	return nil
}

// tooLarge counts an entry, and reports once if aliases make more of a file
// than anybody could have written.
func (k *checker) tooLarge() bool {
	k.entries++
	if k.entries > maxEntries {
		k.add(Origin{File: k.file, Line: 1, Column: 1}, nil,
			"the file is too large: with its aliases written out it has more than %d entries", maxEntries)
	}
	return k.entries > maxEntries
}
