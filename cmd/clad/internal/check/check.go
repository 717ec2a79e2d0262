// Package check finds what is wrong with profiles before a deploy does: in the
// files as they would be merged, and between them and the code that names their
// policies.
package check

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cladgo/clad/cmd/clad/internal/usage"
	"github.com/cladgo/clad/config"
	"github.com/cladgo/clad/container"
)

// Options say what to check.
type Options struct {
	Dirs     []string // directories of profiles, all of which are checked
	Files    []string // single profiles, by their files
	Environ  []string // as os.Environ has it; what overrides settings is checked with each profile
	Packages []string // Go packages, as for the go command
	Tags     string   // build tags for these
}

// Result is what was checked, and found.
type Result struct {
	Profiles []Profile `json:"profiles"`
	Packages int       `json:"packages,omitempty"` // that were read
	Names    int       `json:"names,omitempty"`    // of policies, in these
	Mistakes []Finding `json:"mistakes"`
	Notes    []Finding `json:"notes"`
}

// Profile is one profile that was checked.
type Profile struct {
	Dir  string `json:"dir"`
	Name string `json:"name"`

	loaded *config.Profile // nil if it is mistaken
}

// Run checks. An error says that there is nothing to check.
func Run(ctx context.Context, o Options) (*Result, error) {
	r := &Result{Profiles: []Profile{}}
	c := &checker{Result: r, indexes: map[key]int{}, errors: container.ErrorNames()}
	var code *usage.Code
	if len(o.Packages) > 0 {
		var err error
		if code, err = usage.Find(ctx, usage.Options{Patterns: o.Packages, Tags: o.Tags}); err != nil {
			return nil, err
		}
		c.loader = loaderFor(code)
	}
	for _, dir := range o.Dirs {
		if err := c.dir(dir, o.Environ); err != nil {
			return nil, err
		}
	}
	for _, file := range o.Files {
		if err := c.file(file, o.Environ); err != nil {
			return nil, err
		}
	}
	if code != nil {
		r.Packages, r.Names = code.Packages, len(code.Uses)
		c.code(code)
	}
	c.finish()
	return r, nil
}

// checker gathers findings. One that several profiles share is one finding.
type checker struct {
	*Result
	loader  config.Loader
	errors  []string // the names of those that clad knows by itself
	found   []Finding
	indexes map[key]int // in found
}

// key is a finding without the profiles that it is in.
type key struct {
	file, variable, path, problem string
	line, column                  int
	note                          bool
}

func (c *checker) add(f Finding, profile string) {
	k := key{f.File, f.Variable, f.Path, f.Problem, f.Line, f.Column, f.Note}
	i, ok := c.indexes[k]
	if !ok {
		i = len(c.found)
		c.indexes[k] = i
		c.found = append(c.found, f)
	}
	if profile != "" && !slices.Contains(c.found[i].Profiles, profile) {
		c.found[i].Profiles = append(c.found[i].Profiles, profile)
	}
}

// dir checks every profile of a directory.
func (c *checker) dir(dir string, environ []string) error {
	profiles, err := config.Profiles(config.Dir(dir))
	if err != nil {
		return withoutPrefix(err)
	}
	if len(profiles) == 0 {
		return fmt.Errorf("%s has no profiles, which are files like production.yaml", dir)
	}
	for _, name := range profiles {
		c.profile(dir, name, environ)
	}
	return nil
}

// file checks the profile of one file; of base.yaml, every profile beside it.
func (c *checker) file(file string, environ []string) error {
	dir, name := filepath.Dir(file), strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
	if name == "base" {
		return c.dir(dir, environ)
	}
	profiles, err := config.Profiles(config.Dir(dir))
	if err != nil {
		return withoutPrefix(err)
	}
	if !slices.Contains(profiles, name) {
		return fmt.Errorf("%s is no profile: it must be a file like production.yaml", file)
	}
	c.profile(dir, name, environ)
	return nil
}

// withoutPrefix takes the package's name off an error.
func withoutPrefix(err error) error {
	return errors.New(strings.TrimPrefix(err.Error(), "config: "))
}

func (c *checker) profile(dir, name string, environ []string) {
	if slices.ContainsFunc(c.Profiles, func(p Profile) bool { return p.Dir == dir && p.Name == name }) {
		return
	}
	loaded, err := c.loader.Load(config.Dir(dir), name, environ)
	if err == nil && c.loader.Errors == nil {
		c.errorNames(loaded)
	}
	c.Profiles = append(c.Profiles, Profile{dir, name, loaded})
	var mistakes config.Mistakes
	var unreadable *fs.PathError
	switch {
	case errors.As(err, &mistakes):
		for _, m := range mistakes {
			c.add(findingOf(m), name)
		}
	case errors.As(err, &unreadable):
		c.add(Finding{File: filepath.Join(dir, unreadable.Path), Problem: fmt.Sprint(unreadable.Err)}, name)
	case err != nil:
		c.add(Finding{File: dir, Problem: withoutPrefix(err).Error()}, name)
	}
}

// readers lists the profiles that read a file, or a variable for no file.
func (c *checker) readers(file string) []string {
	var names []string
	own := strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
	for _, p := range c.Profiles {
		reads := file == "" || p.Dir == filepath.Dir(file) && (own == "base" || own == p.Name)
		if reads && !slices.Contains(names, p.Name) {
			names = append(names, p.Name)
		}
	}
	return names
}

// finish puts the findings in order. Those that show in all profiles that could
// show them need not say in which.
func (c *checker) finish() {
	for i := range c.found {
		f := &c.found[i]
		if len(f.Profiles) == len(c.readers(f.File)) && filepath.Ext(f.File) != ".go" {
			f.Profiles = nil
		}
	}
	slices.SortStableFunc(c.found, byPlace)
	c.Mistakes, c.Notes = []Finding{}, []Finding{}
	for _, f := range c.found {
		if f.Note {
			c.Notes = append(c.Notes, f)
		} else {
			c.Mistakes = append(c.Mistakes, f)
		}
	}
}
