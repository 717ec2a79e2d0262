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

	aliases  []*yaml.Node      // that lead to where we are, the outermost first
	repeated int               // entries that are there by an alias
	visited  map[visit]visited // what can be reached by aliases, and was read
}

// visit is a node that was read by a definition.
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

// target returns what n is an alias of, or n itself, and notes the alias until
// leave is called.
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
		return mistaken(d, key)
	}
	if n.Anchor == "" && len(k.aliases) == 0 {
		return k.read(key, n, d, p) // nothing leads here again
	}
	if before, ok := k.visited[visit{n, d}]; ok {
		k.count(before.entries)
		return withOrigin(key, before.value)
	}
	v := k.read(key, n, d, p)
	k.visited[visit{n, d}] = visited{v, entries(v)}
	return v
}

// withOrigin returns a value as it stands at another key.
func withOrigin(key Origin, value any) any {
	m, ok := value.(values)
	if !ok {
		return value
	}
	m = maps.Clone(m)
	m[originKey] = setting{Origin: key}
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

// read checks what stands at a path, once aliases are followed.
func (k *checker) read(key Origin, n *yaml.Node, d *definition, p path) any {
	at := k.origin(n)
	switch {
	case len(n.Value) > maxText:
		k.add(at, p, "%s", tooLong(n))
		return mistaken(d, at)
	case isNull(n):
		k.add(key, p, "%s", emptyProblem(d))
		if d.kind == table {
			return values{originKey: setting{Origin: key}} // nothing is in it, for sure
		}
		return mistaken(d, key)
	case n.Kind == yaml.MappingNode && n.ShortTag() == mapTag && (d.kind == object || d.kind == table):
		return k.mapping(key, n, d, p)
	case n.Kind == yaml.SequenceNode && n.ShortTag() == listTag && d.kind == list:
		return k.list(at, n, d, p)
	}
	v, problem := d.bare(n, at)
	if problem != "" {
		k.add(at, p, "%s", problem)
		return mistaken(d, at)
	}
	return v
}

// bare turns a bare value into a setting, or into the map that it is short for.
func (d *definition) bare(n *yaml.Node, at Origin) (any, string) {
	v, problem := d.scalar(n)
	if problem == "" {
		return setting{Value: v, Origin: at}, ""
	}
	if d.shorthand != "" {
		v, short := d.at(d.shorthand).scalar(n)
		if short == "" {
			return values{originKey: setting{Origin: at}, d.shorthand: setting{Value: v, Origin: at}}, ""
		}
		if n.ShortTag() == intTag {
			return nil, short // the right type: only the value is wrong
		}
	}
	return nil, problem
}

// mistaken is what stands in place of a value that was reported: something is
// there, but nobody knows what.
func mistaken(d *definition, at Origin) any {
	if d.kind == table || d.kind == object && d.section == "" {
		return values{originKey: setting{Origin: at}, incompleteKey: setting{}}
	}
	return setting{Origin: at, Mistaken: true}
}

func emptyProblem(d *definition) string {
	defaults := ""
	if d.kind == object && !slices.ContainsFunc(d.fields, func(f field) bool { return f.defaultValue == nil && f.defaultText == "" }) {
		defaults = ", or {} for the defaults"
	}
	switch {
	case d == policyDefinition:
		return "is empty; write none if the policy is to protect nothing"
	case d == serviceDefinition:
		return "is empty; leave it out, or set policy, methods or critical"
	case d.kind == table:
		return "is empty; leave it out, or write {} if that is meant"
	case d.removable:
		return "is empty; leave it out, or write none to take away what is inherited" + defaults
	default:
		return "is empty; leave it out, or write a value" + defaults
	}
}

func (k *checker) mapping(key Origin, n *yaml.Node, d *definition, p path) any {
	m := values{originKey: setting{Origin: key}}
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
			if problem := d.rule.problem(keyword); problem != "" {
				k.add(at, under, "%s", problem)
			}
		} else if d.field(keyword) == nil {
			k.add(at, under, "%s", k.unknownKey(keyword, d))
			m[incompleteKey] = setting{}
			real = k.hints.Nearest(keyword, d.fieldKeys())
			if real == "" || present[real] {
				continue
			}
			// Go on as if it had been spelt right, so that mistakes below
			// are reported as well, and references to it are not.
		}
		if v := k.pairValue(at, pair, d.at(real), under); real != originKey && real != incompleteKey {
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
	return "unknown key" + k.hints.Among(key, d.fieldKeys())
}

func (k *checker) list(at Origin, n *yaml.Node, d *definition, p path) any {
	if len(n.Content) > maxItems {
		k.add(at, p, "has %d items; it can have no more than %d", len(n.Content), maxItems)
		return mistaken(d, at)
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
	if len(n.Content) == 0 && d.choices != nil {
		k.add(at, p, "is empty; leave it out, or name every layer of the policy")
		sound = false
	}
	if !sound {
		return mistaken(d, at)
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
