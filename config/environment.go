package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/cladgo/clad/internal/profilename"
	"github.com/cladgo/clad/internal/suggest"
	"go.yaml.in/yaml/v3"
)

// environment turns variables into a layer over what the files say.
type environment struct {
	*collector
	files   place
	indexes map[string]index // by the path of their place
	steps   int
	layer   values
}

// overrides reads the variables of environ that override settings.
func overrides(c *collector, files values, environ []string) values {
	e := &environment{
		collector: c,
		files:     place{nil, profileDefinition, files},
		indexes:   map[string]index{},
		layer:     values{},
	}
	set := e.variables(environ)
	for _, variable := range slices.Sorted(maps.Keys(set)) {
		if e.isFull() {
			break
		}
		if e.steps >= maxSteps {
			e.add(Origin{Variable: variable}, nil, "is one of too many variables that begin with %s", prefix)
			break
		}
		e.override(variable, set[variable])
	}
	return e.layer
}

// variables finds what is meant for clad, by name. Of all else not even the
// name is kept.
func (e *environment) variables(environ []string) map[string]string {
	set := map[string]string{}
	for _, entry := range environ {
		variable, value, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(variable, prefix) {
			e.reportNearMiss(variable)
			continue
		}
		if other, twice := set[variable]; twice && other != value {
			e.add(Origin{Variable: variable}, nil, "is set twice, to different values")
		}
		set[variable] = value
	}
	return set
}

// reportNearMiss catches variables that were meant for clad and would say
// nothing: CLAD_PROFIEL, CLAD_RELOAD, CLAD_POLICIES__....
func (e *environment) reportNearMiss(variable string) {
	rest, ours := strings.CutPrefix(variable, "CLAD_")
	if !ours || variable == profilename.Variable {
		return
	}
	for _, section := range profileDefinition.fieldKeys() {
		if strings.HasPrefix(upper(rest)+"_", upper(section)+"_") {
			e.add(Origin{Variable: variable}, nil, "matches no setting; the names of settings begin with %s", prefix)
			return
		}
	}
	if e.hints.Nearest(variable, []string{profilename.Variable}) != "" {
		e.add(Origin{Variable: variable}, nil, "is unknown (did you mean %q?)", profilename.Variable)
	}
}

// override puts the value of one variable into the layer.
func (e *environment) override(variable, value string) {
	at := Origin{Variable: variable}
	if len(variable) > maxText || len(value) > maxText {
		e.add(Origin{Variable: variable[:min(len(variable), 60)]}, nil, "matches no setting: its name or value is longer than %d bytes", maxText)
		return
	}
	meant := []place{e.files}
	if rest := strings.TrimPrefix(variable, prefix); rest != "" {
		meant = e.settable(e.files, upper(rest))
	}
	switch len(meant) {
	case 0:
		e.add(at, nil, "matches no setting: %s", e.whyUnknown(variable))
		return
	case 1:
	default:
		paths := make([]string, min(len(meant), 3))
		for i := range paths {
			paths[i] = meant[i].path.String()
		}
		e.add(at, nil, "may mean %s; the names differ too little", strings.Join(paths, " or "))
		return
	}
	target := meant[0]
	switch d := target.definition; {
	case value == "":
		e.add(at, target.path, "is empty; give it a value, or unset it")
		return
	case d.kind == table || d.kind == object && !d.removable:
		e.add(at, target.path, "a variable can't set a whole map; name one of its settings")
		return
	}
	v, problem := target.definition.bare(variableNode(target.definition, value), at)
	if target.definition.kind == list && problem != "" {
		v, problem = target.definition.commaSeparated(value, at)
	}
	if problem != "" {
		e.add(at, target.path, "%s", problem)
		return
	}
	if e.setsThroughReference(target, at) {
		return
	}
	if v, ok := v.(values); ok { // short for one field of a map
		short := target.definition.shorthand
		e.set(target.field(short), v[short].(setting))
		return
	}
	e.set(target, v.(setting))
}

// variableNode is the text of a variable as YAML would have it: text where a
// name is wanted, and else what the text looks like.
func variableNode(d *definition, text string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Value: text}
	if d.kind == name || d.kind == word || d.section != "" {
		n.Tag = textTag
	}
	return n
}

func (d *definition) commaSeparated(text string, at Origin) (any, string) {
	element := d.element()
	var items []string
	for item := range strings.SplitSeq(text, ",") {
		item = strings.TrimSpace(item)
		_, problem := element.scalar(variableNode(element, item))
		if problem == "" && slices.Contains(items, item) {
			problem = item + " stands here a second time"
		}
		if problem != "" {
			return nil, problem
		}
		items = append(items, item)
	}
	return setting{Value: items, Origin: at}, ""
}

// set writes a setting into the layer. Where two variables set the same, it would
// depend on their order which one wins, so that is a mistake.
func (e *environment) set(target place, s setting) {
	m, last := e.layer, len(target.path)-1
	for i, key := range target.path {
		if other, ok := m[key].(setting); ok {
			e.add(s.Origin, target.path, "contradicts %s, which sets %s", other.Origin.Variable, target.path[:i+1])
			return
		}
		if i == last {
			if target.value = m[key]; target.isSet() {
				e.add(s.Origin, target.path, "contradicts %s, which sets a part of it", target.origin().Variable)
				return
			}
			m[key] = s
			return
		}
		under, ok := m[key].(values)
		if !ok {
			under = values{}
			m[key] = under
		}
		m = under
	}
}

// throughReference reports a variable that would set one value of something
// that the policy only names: the policy would get a new one, of that value and
// defaults, in place of the shared one.
func (e *environment) setsThroughReference(target place, at Origin) bool {
	if len(target.path) < 4 || target.path[0] != policies {
		return false
	}
	key := target.path[2]
	named := e.effective(target.path[1], key)
	section := policyDefinition.at(key).section
	if section == "" || named.text() == "" {
		return false
	}
	e.add(at, target.path, "the policy names the %s %s (%v); change that one with %s__..., or name another with %s", singular(section), quote(named.text()), named.origin(),
		variableOf(path{section, named.text()}), variableOf(target.path[:3]))
	return true
}

// effective finds what a policy says under a key, or what it inherits.
func (e *environment) effective(policy, key string) place {
	at := e.files.field(policies).field(policy)
	for range maxExtends {
		parent := at.field("extends").text()
		if at.field(key).isSet() || parent == "" {
			break
		}
		at = e.files.field(policies).field(parent)
	}
	return at.field(key)
}

// whyUnknown says at which key the name of a variable leaves what is there.
func (e *environment) whyUnknown(variable string) string {
	at := e.files
	keys := strings.Split(strings.TrimPrefix(variable, prefix), separator)
	for i, key := range keys {
		known := e.under(at)
		if found := known.upper[upper(key)]; found != nil {
			at = at.field(found[0])
			continue
		}
		where := "a profile"
		if len(at.path) > 0 {
			where = at.path.String()
		}
		if near := e.hints.Nearest(key, known.keys); near != "" {
			return fmt.Sprintf("%s has no %s (did you mean %q?)", where, quote(key),
				prefix+strings.Join(slices.Concat(keys[:i], []string{upper(near)}, keys[i+1:]), separator))
		}
		if len(known.keys) == 0 {
			return where + " has no settings of its own"
		}
		return fmt.Sprintf("%s has no %s; there are: %s", where, quote(key), suggest.Few(known.keys))
	}
	return "it ends too early" // not reached: then it would match
}
