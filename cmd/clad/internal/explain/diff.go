package explain

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/cladgo/clad/config"
	"github.com/cladgo/clad/internal/keypath"
)

// Difference is what two profiles have differently.
type Difference struct {
	Left  string `json:"left"` // the names of the profiles
	Right string `json:"right"`
	Rows  []Row  `json:"differences"`
}

// Row is one value that differs. A side that does not have it is nil.
type Row struct {
	Path  string `json:"path"`
	Left  *Value `json:"left"`
	Right *Value `json:"right"`
}

// Value is what one profile has.
type Value struct {
	Value  string `json:"value"`
	Origin Origin `json:"origin,omitzero"` // zero for what is worked out

	object string // the layer, or other object, that the value is part of
}

// Diff compares two profiles, or what they say of one target; see [Report.Only].
func Diff(left, right *config.Profile, target string, o Options) (*Difference, error) {
	reports := [2]*Report{New(left, o), New(right, o)}
	about, err := pathsAbout(reports, target)
	if err != nil {
		return nil, err
	}
	l, r := valuesOf(left, reports[0]), valuesOf(right, reports[1])
	both := maps.Clone(l)
	maps.Copy(both, r)
	ofLeft, ofRight := objectsOf(l), objectsOf(r)
	d := &Difference{Left: left.Name(), Right: right.Name(), Rows: []Row{}}
	for _, path := range slices.Sorted(maps.Keys(both)) {
		row := Row{path, l[path], r[path]}
		if isAbout(path, about) && row.differs(ofLeft, ofRight) {
			d.Rows = append(d.Rows, row)
		}
	}
	return d, nil
}

// pathsAbout are the beginnings of the paths that a target is about, in both
// profiles: its service, its policies, and what these share. nil means all.
func pathsAbout(reports [2]*Report, target string) ([]string, error) {
	if target == "" {
		return nil, nil
	}
	var about []string
	var missing error
	for _, r := range reports {
		part, err := r.Only(target)
		if err != nil {
			missing = err
			continue
		}
		for _, s := range part.Services {
			about = append(about, keypath.Join("services", s.Name))
		}
		for _, p := range part.Policies {
			about = append(about, keypath.Join("policies", p.Name))
			for _, l := range p.Layers {
				if l.Name != "" {
					about = append(about, keypath.Join("circuit_breakers", l.Name), keypath.Join("rate_limiters", l.Name), keypath.Join("bulkheads", l.Name))
				}
			}
		}
	}
	if about == nil {
		return nil, missing
	}
	return about, nil
}

func isAbout(path string, about []string) bool {
	return about == nil || slices.ContainsFunc(about, func(start string) bool {
		rest, ok := strings.CutPrefix(path, start)
		return ok && (rest == "" || strings.ContainsAny(rest[:1], ".:"))
	})
}

// valuesOf lists by their paths what is set, and what the policies amount to.
func valuesOf(p *config.Profile, r *Report) map[string]*Value {
	found := map[string]*Value{}
	for _, s := range p.Settings() {
		if len(s.Path) == 3 && s.Path[0] == "policies" && s.Value == "none" {
			continue // taken away is as good as never there
		}
		object := 2 // a named circuit breaker, rate limiter, bulkhead or service
		if s.Path[0] == "policies" {
			object = 3 // a layer
		}
		found[keypath.Join(s.Path...)] = &Value{s.String(), originOf(s.Origin), keypath.Join(s.Path[:min(object, len(s.Path))]...)}
	}
	for _, p := range r.Policies {
		path := keypath.Join("policies", p.Name)
		found[path+": attempts"] = &Value{Value: strconv.Itoa(p.Attempts)}
		found[path+": worst case"] = &Value{Value: p.Worst.String()}
	}
	return found
}

// object is what one side has of a layer, or another object.
type object struct {
	set   bool   // somebody set a value of it
	first string // the first path of its values
}

func objectsOf(side map[string]*Value) map[string]object {
	objects := map[string]object{}
	for path, value := range side {
		o, known := objects[value.object]
		o.set = o.set || !value.Origin.Default
		if !known || path < o.first {
			o.first = path
		}
		objects[value.object] = o
	}
	return objects
}

// differs reports whether a row is a difference worth showing: two values, or one
// that somebody set. Of an object that the other side lacks and of which nobody
// set anything, one default stands for all.
func (row Row) differs(left, right map[string]object) bool {
	value, side := row.Left, left
	switch {
	case row.Left != nil && row.Right != nil:
		return row.Left.Value != row.Right.Value
	case row.Left == nil:
		value, side = row.Right, right
	}
	o := side[value.object]
	return !value.Origin.Default || !o.set && row.Path == o.first
}
