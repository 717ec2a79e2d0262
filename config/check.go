package config

import (
	"fmt"
	"maps"
	"slices"

	"go.yaml.in/yaml/v3"
)

// What is bounded, since a file may come from anybody.
const (
	// maxRepeated is how many entries of a file may be there by aliases alone:
	// what is written out is bounded by the size of the file.
	maxRepeated = 20_000
	// maxText is the length of keys and values, in bytes. None that means
	// something is so long.
	maxText = 1000
	// maxItems is the length of lists.
	maxItems = 100
	// maxMerges is how deep merge keys may nest.
	maxMerges = 20
)

// checker checks one file on its own and turns it into values. What is mistaken
// is reported, and marked so that it leads to no further mistakes.
type checker struct {
	*collector
	file string

	aliases  []*yaml.Node // that lead to where we are, the outermost first
	repeated int          // entries that were visited by an alias
	visited  map[visit]visited
}

// visit is what an anchor names, read as something.
type visit struct {
	node       *yaml.Node
	definition *definition
}

// visited is what came of it, and the number of its entries.
type visited struct {
	value   any
	entries int
}

// check returns what a file says. It returns nil where that can't be told.
func check(c *collector, file string, text []byte) values {
	root := parse(c, file, text)
	if root == nil {
		return nil
	}
	k := &checker{collector: c, file: file, visited: map[visit]visited{}}
	v := k.value(k.origin(root), root, profileDefinition, nil)
	if root.Kind != yaml.MappingNode || k.isTooLarge() {
		return nil
	}
	return v.(values)
}

func (k *checker) origin(n *yaml.Node) Origin {
	return Origin{File: k.file, Line: n.Line, Column: n.Column}
}

// target goes to what an alias stands for; leave ends what is there by it.
func (k *checker) target(n *yaml.Node) (target *yaml.Node, leave func()) {
	if n.Kind != yaml.AliasNode {
		return n, func() {}
	}
	k.aliases = append(k.aliases, n)
	return n.Alias, func() { k.aliases = k.aliases[:len(k.aliases)-1] }
}

// alias is the outermost one that leads to where we are, or nil.
func (k *checker) alias() *yaml.Node {
	if len(k.aliases) == 0 {
		return nil
	}
	return k.aliases[0]
}

// count notes entries that are there by an alias, and reports once if aliases
// make more of a file than anybody could have written.
func (k *checker) count(entries int) {
	if len(k.aliases) == 0 || k.isTooLarge() {
		return
	}
	k.repeated += entries
	if k.isTooLarge() {
		k.add(k.origin(k.alias()), nil, "the file is too large: its aliases, written out, would be more than %d entries", maxRepeated)
	}
}

func (k *checker) isTooLarge() bool { return k.repeated > maxRepeated }

// isOver reports whether there is no use in reading on.
func (k *checker) isOver() bool { return k.isTooLarge() || k.isFull() }

// value checks what stands at a path. A map stands where its key does, anything
// else where it is itself. What aliases repeat is read once.
func (k *checker) value(key Origin, n *yaml.Node, d *definition, p path) any {
	n, leave := k.target(n)
	defer leave()
	k.count(1)
	if k.isOver() {
		return broken(d, key)
	}
	if n.Anchor == "" && len(k.aliases) == 0 {
		return k.read(key, n, d, p) // nothing leads here again
	}
	if before, ok := k.visited[visit{n, d}]; ok {
		k.count(before.entries)
		return standingAt(key, before.value)
	}
	v := k.read(key, n, d, p)
	k.visited[visit{n, d}] = visited{v, entries(v)}
	return v
}

// standingAt returns a value as it stands at another key.
func standingAt(key Origin, value any) any {
	m, ok := value.(values)
	if !ok {
		return value
	}
	m = maps.Clone(m)
	m[here] = setting{Origin: key}
	return m
}

// entries counts what is in a value.
func entries(value any) int {
	m, _ := value.(values)
	n := len(m)
	for _, v := range m {
		n += entries(v)
	}
	return n
}

func (k *checker) read(key Origin, n *yaml.Node, d *definition, p path) any {
	at := k.origin(n)
	switch {
	case len(n.Value) > maxText:
		k.add(at, p, "%s", tooLong(n))
		return broken(d, at)
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
		if k.isOver() {
			return m
		}
		keyword, at := pair.key.Value, k.origin(pair.key)
		under, real := p.with(keyword), keyword
		if d.kind == table {
			if problem := d.keys.problem(keyword); problem != "" {
				k.add(at, under, "%s", problem)
			}
		} else if d.field(keyword) == nil {
			k.add(at, under, "%s", k.unknownKey(keyword, d))
			m[damaged] = setting{}
			real = k.hints.Nearest(keyword, d.fieldKeys())
			if real == "" || present[real] {
				continue
			}
			// Go on as if it had been spelt right: what is wrong below
			// is told as well, and what refers to it finds it.
		}
		if v := k.pairValue(at, pair, d.at(real), under); real != here && real != damaged {
			m[real] = v
		}
	}
	return m
}

// pairValue checks the value of an entry, which may be there by a merge key.
func (k *checker) pairValue(key Origin, pair pair, d *definition, p path) any {
	if pair.alias != nil {
		_, leave := k.target(pair.alias)
		defer leave()
	}
	return k.value(key, pair.value, d, p)
}

func (k *checker) unknownKey(key string, d *definition) string {
	known := d.fieldKeys()
	if hint := k.hints.DidYouMean(key, known); hint != "" {
		return "unknown key" + hint
	}
	return "unknown key; there are: " + few(known)
}

func (k *checker) list(at Origin, n *yaml.Node, d *definition, p path) any {
	if len(n.Content) > maxItems {
		k.add(at, p, "has %d items; it can have no more than %d", len(n.Content), maxItems)
		return broken(d, at)
	}
	element := d.element()
	var items []string
	var places []Origin
	sound := true
	for _, item := range n.Content {
		if item.Kind == yaml.AliasNode {
			item = item.Alias
		}
		v, problem := element.item(item)
		if problem == "" && slices.Contains(items, v.(string)) {
			problem = v.(string) + " stands here a second time"
		}
		if problem != "" {
			k.add(k.origin(item), p, "%s", problem)
			sound = false
			continue
		}
		items, places = append(items, v.(string)), append(places, k.origin(item))
	}
	if len(n.Content) == 0 && d.words != nil {
		k.add(at, p, "is empty; leave it out, or name every layer of the policy")
		sound = false
	}
	if !sound {
		return broken(d, at)
	}
	return setting{Value: items, Origin: at, Places: places}
}

// item reads one element of a list.
func (d *definition) item(n *yaml.Node) (any, string) {
	if len(n.Value) > maxText {
		return nil, tooLong(n)
	}
	return d.scalar(n)
}

func tooLong(n *yaml.Node) string {
	return fmt.Sprintf("is %d bytes long; nothing that can stand here is longer than %d", len(n.Value), maxText)
}
