package gen

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// write brings a file up to date, or with check only says if it isn't.
func (r *Result) write(name, text string, check bool) error {
	old, err := os.ReadFile(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	switch {
	case err == nil && string(old) == text:
		r.Unchanged = append(r.Unchanged, name)
		return nil
	case err == nil && !strings.HasPrefix(string(old), header) && parses(name, old):
		return fmt.Errorf("%s was not written by clad gen, which therefore leaves it alone: rename it, or choose another file with -o", relative(name))
	case check:
		r.Stale = append(r.Stale, name)
		return nil
	}
	r.Written = append(r.Written, name)
	return replace(name, text)
}

// remove takes away a file that nothing needs any more.
func (r *Result) remove(name string, check bool) error {
	if old, err := os.ReadFile(name); err != nil || !strings.HasPrefix(string(old), header) {
		return nil //nolint:nilerr // what isn't there, or isn't ours, needs no removing
	}
	if check {
		r.Stale = append(r.Stale, name)
		return nil
	}
	r.Removed = append(r.Removed, name)
	return os.Remove(name)
}

// replace writes a file so that nobody ever sees half of it.
func replace(name, text string) error {
	tmp, err := os.CreateTemp(filepath.Dir(name), ".clad-gen-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(tmp.Name()) }() // gone already unless something fails
	_, err = tmp.WriteString(text)
	err = errors.Join(err, tmp.Chmod(0o644), tmp.Close())
	if err != nil {
		return err
	}
	return os.Rename(tmp.Name(), name)
}

// askedBefore reads from a generated file what -type asked for.
func askedBefore(name string) string {
	src, err := os.ReadFile(name)
	if err != nil || !strings.HasPrefix(string(src), header) {
		return ""
	}
	for line := range strings.Lines(string(src)) {
		if asked, ok := strings.CutPrefix(strings.TrimSpace(line), askedDirective); ok {
			return asked
		}
		if strings.HasPrefix(line, "package ") {
			break
		}
	}
	return ""
}
