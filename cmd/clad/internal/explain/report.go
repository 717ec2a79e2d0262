// Package explain tells what a profile amounts to: how the layers of its
// policies nest, where each value comes from, how long and how often a call may
// be tried, and which combinations are known to do harm.
package explain

import (
	"maps"
	"slices"
	"time"

	"github.com/cladgo/clad/config"
	"github.com/cladgo/clad/internal/keypath"
	"github.com/cladgo/clad/policy"
)

// Report is what a profile amounts to, or the part of it that was asked for.
type Report struct {
	Profile  string    `json:"profile"`
	Settings []Setting `json:"settings,omitempty"` // of the profile as a whole
	Services []Service `json:"services"`
	Policies []Policy  `json:"policies"`
}

// Policy is one policy of a profile.
type Policy struct {
	Name   string `json:"name"`
	Origin Origin `json:"origin"`
	// Heading holds what is said of the policy as a whole: what it extends,
	// and another order of its layers.
	Heading []Setting `json:"heading,omitempty"`
	Layers  []Section `json:"layers"` // outermost first; none for a policy that protects nothing
	Analysis
	alone    *Analysis // of what is not hedged; nil where nothing is
	Warnings []Located `json:"warnings"`
	// Users are the services, and methods, for which the profile chooses it.
	Users []string `json:"users,omitempty"`
}

// Section is one layer of a policy, and its settings.
type Section struct {
	Key    string `json:"layer"`
	Name   string `json:"name,omitempty"` // of what is shared
	Origin Origin `json:"origin"`
	// SharedWith lists other policies that use the same, up to a hundred.
	SharedWith []string  `json:"shared_with,omitempty"`
	Value      string    `json:"value,omitempty"` // of a layer that is a single value
	Settings   []Setting `json:"settings,omitempty"`
	// Fleet says what it means that instances share it by a store, a line each.
	Fleet []string `json:"fleet,omitempty"`
}

// Setting is one value of a layer.
type Setting struct {
	Name   string `json:"name"` // below the layer: "backoff.type"
	Value  string `json:"value"`
	Origin Origin `json:"origin"`
}

// Located is a warning and its place.
type Located struct {
	Warning
	Path   string `json:"path"`
	Origin Origin `json:"origin"`
}

// Options say how to explain.
type Options struct {
	// Patience is how long a caller is likely to wait.
	Patience time.Duration
	// Tagged are services as the code has them; nil if it was not looked at.
	Tagged []Tagged
}

// New explains a whole profile.
func New(p *config.Profile, o Options) *Report {
	e := newExplainer(p, o)
	r := &Report{Profile: p.Name(), Services: []Service{}, Policies: []Policy{}}
	for i, name := range e.names {
		e.numbers[name] = i
		r.Policies = append(r.Policies, e.policy(name))
	}
	for _, key := range []string{"standard", "reload"} {
		for _, s := range p.Settings(key) {
			r.Settings = append(r.Settings, settingOf(s, 0))
		}
	}
	r.Services = e.services(r)
	type use struct{ policy, user string }
	noted := map[use]bool{}
	for _, s := range r.Services {
		for _, m := range s.Methods {
			u := use{m.Policy, s.operation(m.Name)}
			if i, ok := e.numbers[m.Policy]; ok && !noted[u] {
				noted[u] = true
				r.Policies[i].Users = append(r.Policies[i].Users, u.user)
			}
		}
	}
	return r
}

type explainer struct {
	profile *config.Profile
	catalog policy.Catalog
	options Options
	names   []string       // of the policies, sorted
	numbers map[string]int // of the policies in the report, by name

	users     map[shared][]string // the policies that use what is shared
	described map[shared][]string // where a policy describes it, if one does
}

func newExplainer(p *config.Profile, o Options) *explainer {
	e := &explainer{
		profile: p, catalog: p.Catalog(), options: o, numbers: map[string]int{},
		users: map[shared][]string{}, described: map[shared][]string{},
	}
	e.names = slices.Sorted(maps.Keys(e.catalog.Policies))
	for _, name := range e.names {
		e.noteShared(name)
	}
	return e
}

func (e *explainer) policy(name string) Policy {
	path := []string{"policies", name}
	origin, _ := e.profile.Origin(path...)
	p := Policy{Name: name, Origin: originOf(origin), Layers: []Section{}, Warnings: []Located{}}
	var layers []Layer
	keys := e.layerKeys(name)
	for i, l := range policy.Layers(e.catalog.Policies[name]) {
		section, layer := e.layer(name, keys[i], l)
		p.Layers, layers = append(p.Layers, section), append(layers, layer)
	}
	for _, key := range []string{"extends", "order"} {
		for _, s := range e.profile.Settings("policies", name, key) {
			if !s.Origin.IsDefault() {
				p.Heading = append(p.Heading, settingOf(s, len(path)))
			}
		}
	}
	p.Analysis = Analyze(layers)
	if rest := withoutHedges(layers); len(rest) < len(layers) {
		alone := Analyze(rest)
		p.alone = &alone
	}
	for _, w := range Warnings(layers, e.options.Patience) {
		at := Located{Warning: w, Path: keypath.Join("policies", name), Origin: p.Origin}
		if w.Layer >= 0 {
			at.Path, at.Origin = keypath.Join("policies", name, p.Layers[w.Layer].Key), p.Layers[w.Layer].Origin
		}
		p.Warnings = append(p.Warnings, at)
	}
	return p
}

// layerKeys lists the keys of a policy's layers, outermost first: a key for each,
// where it stands for several.
func (e *explainer) layerKeys(name string) []string {
	var keys []string
	for _, s := range e.profile.Settings("policies", name) {
		if len(s.Path) < 3 || s.Path[2] == "extends" || s.Path[2] == "order" {
			continue
		}
		if several, ok := s.Value.([]string); ok && s.Path[2] == "rate_limits" {
			for range several {
				keys = append(keys, s.Path[2])
			}
			continue
		}
		removed := len(s.Path) == 3 && s.Value == "none"
		if key := s.Path[2]; !removed && !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	return keys
}

// layer describes one layer. What is shared is looked up under its name.
func (e *explainer) layer(name, key string, l policy.Policy) (Section, Layer) {
	path := []string{"policies", name, key}
	origin, _ := e.profile.Origin(path...)
	s, layer := Section{Key: key, Origin: originOf(origin)}, Layer{Key: key, Policy: l}
	if what, ok := sharedBy(l); ok {
		s.Name = what.name
		layer.Policy, layer.Shared = e.lookUp(what), true
		path = e.placeOf(what)
		s.SharedWith = e.sharedWith(name, what)
		s.Fleet = fleetOf(layer.Policy)
	}
	for _, setting := range e.profile.Settings(path...) {
		if len(setting.Path) == len(path) {
			s.Value = setting.String()
		} else if below := settingOf(setting, len(path)); below.Name != "name" {
			s.Settings = append(s.Settings, below)
		}
	}
	return s, layer
}
