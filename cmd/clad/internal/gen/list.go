package gen

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/tools/go/packages"
)

// roots lists the packages that match, whatever state generated files are in,
// and the flags to load them with.
func (l *loader) roots(patterns, flags []string) (roots []*packages.Package, with []string, cleanup func(), err error) {
	cleanup = func() {}
	roots, err = l.matching(patterns, flags)
	if err != nil {
		return nil, nil, nil, err
	}
	if broken := l.generatedBeside(withErrors(roots)); len(broken) > 0 {
		// A generated file can keep even the list of files from being right:
		// hide it from the go command.
		overlay, remove, err := overlayFor(broken)
		if err != nil {
			return nil, nil, nil, err
		}
		cleanup = remove
		flags = append(flags, "-overlay="+overlay)
		if roots, err = l.matching(patterns, flags); err != nil {
			cleanup()
			return nil, nil, nil, err
		}
	}
	return roots, flags, cleanup, nil
}

// matching lists what matches the patterns, without types.
func (l *loader) matching(patterns, flags []string) ([]*packages.Package, error) {
	found, err := l.list(query{Flags: flags, Tests: true, Patterns: patterns})
	if err != nil {
		_, message, isOutput := strings.Cut(err.Error(), "stderr: ")
		if !isOutput {
			return nil, err
		}
		return nil, errors.New(strings.TrimSpace(message))
	}
	if len(found.roots) == 0 {
		return nil, fmt.Errorf("%s matches no packages", strings.Join(patterns, " "))
	}
	return found.roots, nil
}

// generatedBeside lists the generated files in the folders of pkgs.
func (l *loader) generatedBeside(pkgs []*packages.Package) []string {
	var found []string
	for _, p := range pkgs {
		entries, _ := filepath.Glob(filepath.Join(p.Dir, "*.go"))
		for _, name := range entries {
			if src, err := os.ReadFile(name); err == nil && l.generated(name, src) {
				found = append(found, name)
			}
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// overlayFor writes a file for the go command's -overlay flag, in which the
// named files are not there. (The loader's own overlay would turn off export
// data for every package.)
func overlayFor(names []string) (file string, cleanup func(), err error) {
	replace := map[string]string{}
	for _, name := range names {
		replace[name] = ""
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", nil, err
	}
	f, err := os.CreateTemp("", "clad-gen-overlay-*.json")
	if err != nil {
		return "", nil, err
	}
	cleanup = func() { _ = os.Remove(f.Name()) }
	_, err = f.Write(text)
	if err = errors.Join(err, f.Close()); err != nil {
		cleanup()
		return "", nil, err
	}
	return f.Name(), cleanup, nil
}

func withErrors(pkgs []*packages.Package) []*packages.Package {
	return slices.DeleteFunc(slices.Clone(pkgs), func(p *packages.Package) bool { return len(p.Errors) == 0 })
}

// problems are the errors of p of some kinds. Type errors are not asked for:
// clad gen can do without most of what has them.
func (l *loader) problems(p *packages.Package, kinds ...packages.ErrorKind) []error {
	var errs []error
	for _, e := range p.Errors {
		if slices.Contains(kinds, e.Kind) {
			errs = append(errs, l.problem(e))
		}
	}
	return errs
}

var positioned = regexp.MustCompile(`^(.+?):(\d+)(?::(\d+))?$`)

// problem turns the loader's kind of error into ours.
func (l *loader) problem(e packages.Error) *Problem {
	p := &Problem{Message: e.Msg}
	if m := positioned.FindStringSubmatch(e.Pos); m != nil {
		p.Pos.Filename = m[1]
		if abs, err := filepath.Abs(filepath.Join(l.dir, m[1])); err == nil && !filepath.IsAbs(m[1]) {
			p.Pos.Filename = abs
		}
		p.Pos.Line, _ = strconv.Atoi(m[2])
		p.Pos.Column, _ = strconv.Atoi(m[3])
	}
	return p
}
