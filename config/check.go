package config

import (
	"slices"

	"github.com/cladgo/clad/internal/suggest"
	"go.yaml.in/yaml/v3"
)

// maxEntries bounds what the aliases of one file may grow to.
const maxEntries = 100_000

// checker checks one file on its own and turns it into values. What is mistaken
// is reported, and marked so that it leads to no further mistakes.
type checker struct {
	*collector
	file    string
	entries int
}

// check returns what a file says. It returns nil where that can't be told.
func check(c *collector, file string, text []byte) values {
	root := parse(c, file, text)
	if root == nil {
		return nil
	}
	k := &checker{collector: c, file: file}
	v := k.value(k.origin(root), root, profileDefinition, nil)
	if root.Kind != yaml.MappingNode || k.entries > maxEntries {
		return nil
	}
	return v.(values)
}

func (k *checker) origin(n *yaml.Node) Origin {
	return Origin{File: k.file, Line: n.Line, Column: n.Column}
}

// value checks what stands at a path. A map stands where its key does, anything
// else where it is itself.
func (k *checker) value(key Origin, n *yaml.Node, d *definition, p path) any {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	at := k.origin(n)
	switch {
	case isNull(n):
		k.add(key, p, "%s", emptyProblem(d))
		if d.kind == table {
			return values{here: setting{Origin: key}} // nothing is in it, for sure
		}
		return broken(d, key)
	case n.Kind == yaml.MappingNode && n.ShortTag() == mapTag && (d.kind == object || d.kind == table):
		return k.mapping(key, n, d, p)
	case n.Kind == yaml.SequenceNode && n.ShortTag() == listTag && d.kind == list:
		return k.list(at, n, d, p)
	}
	v, problem := d.leaf(n, at)
	if problem != "" {
		k.add(at, p, "%s", problem)
		return broken(d, at)
	}
	return v
}

// leaf turns a bare value into a setting, or into the map that it is short for.
func (d *definition) leaf(n *yaml.Node, at Origin) (any, string) {
	v, problem := d.scalar(n)
	if problem == "" {
		return setting{Value: v, Origin: at}, ""
	}
	if d.short != "" {
		v, short := d.at(d.short).scalar(n)
		if short == "" {
			return values{here: setting{Origin: at}, d.short: setting{Value: v, Origin: at}}, ""
		}
		if n.ShortTag() == intTag {
			return nil, short // the right type: only the value is wrong
		}
	}
	return nil, problem
}

// broken is what stands for a mistake: something is there, but nobody knows what.
func broken(d *definition, at Origin) any {
	if d.kind == table || d.kind == object && d.names == "" {
		return values{here: setting{Origin: at}, damaged: setting{}}
	}
	return setting{Origin: at, Broken: true}
}

func emptyProblem(d *definition) string {
	defaults := ""
	if d.kind == object && !slices.ContainsFunc(d.fields, func(f field) bool { return f.required }) {
		defaults = ", or {} for the defaults"
	}
	switch {
	case d == policyDefinition:
		return "is empty; write none if the policy is to protect nothing"
	case d == serviceDefinition:
		return "is empty; leave it out, or set policy or methods"
	case d.kind == table:
		return "is empty; leave it out, or write {} if that is meant"
	case d.none:
		return "is empty; leave it out, or write none to take away what is inherited" + defaults
	default:
		return "is empty; leave it out, or write a value" + defaults
	}
}

func (k *checker) mapping(key Origin, n *yaml.Node, d *definition, p path) any {
	m := values{here: setting{Origin: key}}
	pairs := k.pairs(p, n, nil)
	present := make(map[string]bool, len(pairs))
	for _, pair := range pairs {
		present[pair.key.Value] = true
	}
	for _, pair := range pairs {
		if k.entries > maxEntries {
			return m
		}
		keyword, at := pair.key.Value, k.origin(pair.key)
		under, real := p.with(keyword), keyword
		if d.kind == table {
			if problem := d.keys.problem(keyword); problem != "" {
				k.add(at, under, "%s", problem)
			}
		} else if d.field(keyword) == nil {
			k.add(at, under, "%s", unknownKey(keyword, d))
			m[damaged] = setting{}
			real = suggest.Nearest(keyword, d.fieldKeys())
			if real == "" || present[real] {
				continue
			}
			// Go on as if it had been spelt right: what is wrong below
			// is told as well, and what refers to it finds it.
		}
		if v := k.value(at, pair.value, d.at(real), under); real != here && real != damaged {
			m[real] = v
		}
	}
	return m
}

func unknownKey(key string, d *definition) string {
	known := d.fieldKeys()
	if hint := suggest.DidYouMean(key, known); hint != "" {
		return "unknown key" + hint
	}
	return "unknown key; there are: " + few(known)
}

func (k *checker) list(at Origin, n *yaml.Node, d *definition, p path) any {
	element := &definition{kind: word, words: d.words}
	var items []string
	sound := true
	for _, item := range n.Content {
		for item.Kind == yaml.AliasNode {
			item = item.Alias
		}
		v, problem := element.scalar(item)
		if problem == "" && slices.Contains(items, v.(string)) {
			problem = v.(string) + " stands here a second time"
		}
		if problem != "" {
			k.add(k.origin(item), p, "%s", problem)
			sound = false
			continue
		}
		items = append(items, v.(string))
	}
	if len(n.Content) == 0 {
		k.add(at, p, "is empty; leave it out, or name every layer of the policy")
		sound = false
	}
	if !sound {
		return broken(d, at)
	}
	return setting{Value: items, Origin: at}
}
