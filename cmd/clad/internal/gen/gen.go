package gen

import (
	"context"
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
)

// DefaultOutput is the name of the generated file.
const DefaultOutput = "clad_gen.go"

// Options say what to generate.
type Options struct {
	Dir      string   // where patterns are looked up; "" is the current folder
	Patterns []string // packages, as for the go command; none is the package in Dir
	Types    []string // values of -type
	Output   string   // name of the file in each package; "" is DefaultOutput
	Tags     []string // sets of build tags, each "a,b"; their findings are put together; none is one empty set
	Check    bool     // write nothing, list what is stale
	Anew     bool     // look at everything also where nothing has changed

	// Say is told what is going on when that takes more than a second.
	Say func(format string, args ...any)
}

// A Result is what Run did. The names of files are absolute.
type Result struct {
	Written, Removed, Unchanged []string
	Stale                       []string // with Check
	Proxies, Methods            int
	Warnings                    []string // what the proxies in Written can't do, and what is missing beside them
	Notes                       []string // what was left out, and is no mistake
	Recalled                    bool     `json:"-"` // nothing has changed since a run that found nothing to do
}

// complete fills in the defaults, and says what is wrong.
func (o *Options) complete() error {
	if o.Output == "" {
		o.Output = DefaultOutput
	}
	if filepath.Base(o.Output) != o.Output || filepath.Ext(o.Output) != ".go" || isTestFile(o.Output) {
		return fmt.Errorf("-o %s: it must be the name of a Go file, without a folder, as in %s", o.Output, DefaultOutput)
	}
	if len(o.Patterns) == 0 {
		o.Patterns = []string{"."}
	}
	if len(o.Tags) == 0 {
		o.Tags = []string{""}
	}
	if o.Say == nil {
		o.Say = func(string, ...any) {}
	}
	return nil
}

// run makes a run whose options are complete.
func (o *Options) run(ctx context.Context, s *store) (*Result, error) {
	names, err := parseAllTypeNames(o.Types)
	if err != nil {
		return nil, err
	}
	r := &run{Options: *o, names: names, progress: newProgress(o.Say), store: s, dirs: map[string]bool{}, result: &Result{}}
	defer r.progress.done()
	for _, tags := range o.Tags {
		if err := r.build(ctx, tags); err != nil {
			return nil, err
		}
	}
	r.store.keep()
	r.progress.stage("writing")
	r.write()
	slices.SortFunc(r.errs, byPosition)
	r.errs = slices.CompactFunc(r.errs, func(a, b error) bool { return a.Error() == b.Error() })
	r.result.Notes = unique(r.result.Notes)
	r.result.Warnings = unique(r.result.Warnings)
	return r.result, errors.Join(r.errs...)
}

type run struct {
	Options
	names    []typeName
	progress *progress
	store    *store
	result   *Result
	wants    []want
	errs     []error
	dirs     map[string]bool // folders of the packages asked for
}

// build adds what one set of build tags shows.
func (r *run) build(ctx context.Context, tags string) error {
	l := &loader{ctx: ctx, dir: r.Dir, output: r.Output, progress: r.progress, store: r.store}
	defer l.close()
	b, err := l.load(r.Patterns, r.names, tags)
	if err != nil {
		return err
	}
	r.errs = append(r.errs, b.errs...)
	for _, dir := range b.dirs {
		r.dirs[dir] = true
	}
	if len(b.pkgs) == 0 {
		return nil
	}
	r.progress.stage("looking for container.Tag")
	found := find(b)
	r.wants = append(r.wants, found.funcs...)
	before := len(r.wants)
	r.wants = append(r.wants, found.wants...)
	r.errs = append(r.errs, found.errs...)
	r.result.Warnings = append(r.result.Warnings, found.warnings...)
	r.result.Notes = append(r.result.Notes, found.notes...)
	r.lookUp(b)
	r.assertions(l, b, r.wants[before:])
	return nil
}

// lookUp adds what -type asks for.
func (r *run) lookUp(b *build) {
	for p, names := range b.named {
		for _, n := range names {
			typ, err := b.lookup(p, n)
			switch {
			case err == nil:
				home := place{p, filepath.Join(p.Dir, r.Output)}
				r.wants = append(r.wants, want{typ: typ, home: home, asked: true, b: b})
			case !n.before: // what the old file was asked for may be gone by now
				r.errs = append(r.errs, err)
			}
		}
	}
}

// write writes every file, and takes away those that nothing needs.
func (r *run) write() {
	troubled := map[string]bool{} // folders with mistakes that may hide interfaces
	for _, err := range r.errs {
		troubled[filepath.Dir(problemPos(err).Filename)] = true
	}
	skip := func(name string) bool { return slices.Contains(outputNames(r.Output), filepath.Base(name)) }
	current := map[string]bool{}
	for _, u := range units(r.wants, r.Output) {
		text, proxies, err := u.render(skip)
		current[u.file] = text != "" || err != nil
		if err != nil {
			r.errs = append(r.errs, flatten(err)...)
		}
		if text == "" || troubled[filepath.Dir(u.file)] {
			continue
		}
		r.result.Proxies += len(proxies)
		for _, p := range proxies {
			r.result.Methods += len(p.methods)
		}
		if err := r.result.write(u.file, text, r.Check); err != nil {
			r.errs = append(r.errs, err)
		}
		if slices.Contains(r.result.Written, u.file) { // said once, not at every run
			for _, p := range proxies {
				r.result.Warnings = append(r.result.Warnings, p.warnings()...)
			}
		}
	}
	for dir := range r.dirs {
		for _, name := range outputNames(r.Output) {
			file := filepath.Join(dir, name)
			if current[file] || troubled[dir] || len(r.names) > 0 {
				continue
			}
			if err := r.result.remove(file, r.Check); err != nil {
				r.errs = append(r.errs, err)
			}
		}
	}
	for _, list := range [][]string{r.result.Written, r.result.Removed, r.result.Unchanged, r.result.Stale} {
		slices.Sort(list)
	}
}

func unique(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}

// flatten lists the errors that errors.Join has joined.
func flatten(err error) []error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var list []error
	for _, e := range joined.Unwrap() {
		list = append(list, flatten(e)...)
	}
	return list
}

// parses reports whether src is a Go file, and not the ruin of one.
func parses(name string, src []byte) bool {
	_, err := parser.ParseFile(token.NewFileSet(), name, src, parser.SkipObjectResolution)
	return err == nil && len(strings.TrimSpace(string(src))) > 0
}
