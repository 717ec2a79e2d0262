package config

import (
	"slices"

	"go.yaml.in/yaml/v3"
)

// pair is one entry of a mapping.
type pair struct {
	key, value *yaml.Node
	alias      *yaml.Node // by which it is there, if a merge key brought it
}

// pairs lists the entries of a mapping once each, those of merge keys (<<)
// included: those written in the mapping beat merged ones, and of these the first
// wins. open are the mappings that are being merged already.
func (k *checker) pairs(p path, n *yaml.Node, open []*yaml.Node) []pair {
	open = append(open, n)
	seen := map[string]*yaml.Node{}
	var all, merged []pair
	for i := 0; i+1 < len(n.Content); i += 2 {
		if k.count(1); k.isOver() {
			return nil
		}
		key, value := n.Content[i], n.Content[i+1]
		if key.Kind == yaml.AliasNode {
			key = key.Alias
		}
		if len(key.Value) > maxText {
			k.add(k.origin(key), p, "a key is %d bytes long; none that can stand here is longer than %d", len(key.Value), maxText)
			continue
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
		all = append(all, pair{key, value, k.alias()})
	}
	for _, m := range merged {
		if k.count(1); k.isOver() {
			return nil
		}
		if _, ok := seen[m.key.Value]; !ok {
			seen[m.key.Value] = m.key
			all = append(all, m)
		}
	}
	return all
}

// merged lists the entries that a merge key brings: those of a mapping, or of a
// list of mappings.
func (k *checker) merged(p path, n *yaml.Node, open []*yaml.Node) []pair {
	n, leave := k.target(n)
	defer leave()
	if n.Kind != yaml.SequenceNode {
		return k.mergedMap(p, n, open)
	}
	var all []pair
	for _, item := range n.Content {
		if k.isOver() {
			return nil
		}
		all = append(all, k.mergedItem(p, item, open)...)
	}
	return all
}

func (k *checker) mergedItem(p path, item *yaml.Node, open []*yaml.Node) []pair {
	item, leave := k.target(item)
	defer leave()
	return k.mergedMap(p, item, open)
}

func (k *checker) mergedMap(p path, n *yaml.Node, open []*yaml.Node) []pair {
	k.count(1)
	switch {
	case n.Kind != yaml.MappingNode:
		k.add(k.origin(n), p, "<< merges a map, or a list of maps, not %s", describe(n))
	case slices.Contains(open, n):
		k.add(k.origin(n), p, "<< merges the map into itself")
	case len(open) > maxMerges:
		k.add(k.origin(n), p, "<< nests more than %d deep", maxMerges)
	default:
		return k.pairs(p, n, open)
	}
	return nil
}
