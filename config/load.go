package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cladgo/clad/internal/printable"
	"github.com/cladgo/clad/internal/profilename"
	"github.com/cladgo/clad/internal/regular"
	"github.com/cladgo/clad/internal/suggest"
	koanfmaps "github.com/knadh/koanf/maps"
	"github.com/knadh/koanf/v2"
)

// maxFile is how large a file may be, in bytes. That is much for what people
// write, and as much as Kubernetes puts into a ConfigMap.
const maxFile = 1 << 20

// Load reads a profile: base.yaml if there is one, then <profile>.yaml, then
// the environment, given as os.Environ() has it. fsys is the directory with the
// files. The empty profile is the one that CLAD_PROFILE names, else APP_ENV,
// else development.
//
// The error is [Mistakes] if anything in the profile is wrong, with all that is
// wrong; no part of such a profile is ever used. Another error says that a file
// is not there, or can't be read: a file is a regular one of 1 MiB at most.
// Errors show no values of environment variables but of those that begin with
// CLAD__ or choose the profile, and nothing that a terminal would obey.
//
// Files may come from anybody: the work is bounded, whatever is in them.
func Load(fsys fs.FS, profile string, environ []string) (*Profile, error) {
	return Loader{}.Load(fsys, profile, environ)
}

// A Loader loads profiles with what it knows of the code. The zero value knows
// nothing.
type Loader struct {
	// Errors are the names that the errors of a policy can have; any other is a
	// mistake. nil takes every name as it is: then an orchestrator refuses those
	// that it does not know, without their places.
	Errors []string
	// Standard puts the standard policy under the profile, as if that had
	// `standard: true`.
	Standard bool
}

// Load is as the function of that name.
func (l Loader) Load(fsys fs.FS, profile string, environ []string) (*Profile, error) {
	profile, chosen := choose(profile, environ)
	files, err := filesOf(fsys, profile, chosen)
	if err != nil {
		return nil, printable.Error(err)
	}
	c := &collector{}
	readable, layers := true, []values{}
	for _, file := range files {
		text, err := regular.ReadFile(fsys, file, maxFile)
		if err != nil {
			return nil, printable.Error(fmt.Errorf("config: profile %q: %w", profile, err))
		}
		layer := check(c, displayName(fsys, file), text)
		readable = readable && layer != nil
		layers = append(layers, layer)
	}
	if !readable || c.isFull() {
		return nil, c.err() // what else it may say can't be judged
	}
	merged, err := mergeLayers(layers)
	if err != nil {
		return nil, err
	}
	if l.Standard || wantsStandard(merged, environ) {
		layers = append([]values{check(c, standardOrigin, standardFile)}, layers...)
		if merged, err = mergeLayers(layers); err != nil {
			return nil, err
		}
	}
	if layer := overrides(c, merged, environ); len(layer) > 0 {
		if merged, err = mergeLayers(append(layers, layer)); err != nil {
			return nil, err
		}
	}
	root, inherited := inherit(c, merged)
	catalog := build(c, profile, root, inherited, l.knownErrors())
	checkShadow(c, fsys, place{nil, profileDefinition, root}.field(shadow))
	if err := c.err(); err != nil {
		return nil, err
	}
	return &Profile{name: profile, root: place{nil, profileDefinition, root}, catalog: catalog}, nil
}

// checkShadow checks that the profile of a dry run is there.
func checkShadow(c *collector, fsys fs.FS, at place) {
	if !at.isSet() || at.isRemoved() || at.isMistaken() {
		return
	}
	profiles, err := Profiles(fsys)
	if err != nil || slices.Contains(profiles, at.text()) {
		return // it was read a moment ago
	}
	c.add(at.origin(), at.path, "there is no profile %s%s%s", quote(at.text()), c.hints.DidYouMean(at.text(), profiles), listed(fsys, profiles))
}

// mergeLayers puts layers over each other, the last uppermost. koanf gets them as
// one, and what it holds is not had by its Raw: both would copy all by reflection,
// 2.4 before each layer.
func mergeLayers(layers []values) (merged values, err error) {
	k := koanf.New("\x00") // the delimiter can't occur in a key
	err = k.Load(layerProvider(layers), nil, koanf.WithMergeFunc(func(over, under map[string]any) error {
		koanfmaps.Merge(over, under)
		merged = under
		return nil
	}))
	if err != nil {
		return nil, fmt.Errorf("config: merging: %w", err)
	}
	return merged, nil
}

// layerProvider is a koanf.Provider of layers that are read already.
type layerProvider []values

func (l layerProvider) Read() (map[string]any, error) {
	merged := values{}
	for _, layer := range l {
		// What stands twice in a layer, by an alias, would change twice.
		merge(deepClone(layer), merged, profileDefinition)
	}
	return merged, nil
}

func (l layerProvider) ReadBytes() ([]byte, error) { return nil, errors.ErrUnsupported }

// choose returns the profile's name, and who chose it, for messages.
func choose(profile string, environ []string) (name, by string) {
	name, variable := profilename.Choose(profile, environ)
	switch {
	case variable != "":
		return name, ", chosen by " + variable
	case profile == "":
		return name, ", the default"
	default:
		return name, ""
	}
}

// Profiles lists the profiles that a directory has, by name. base is none: it is
// what all of them start from.
func Profiles(fsys fs.FS) ([]string, error) {
	_, profiles, err := readDir(fsys)
	return profiles, printable.Error(err)
}

// readDir returns the files of a directory by their profile, and the profiles.
func readDir(fsys fs.FS) (files map[string][]string, profiles []string, err error) {
	entries, err := fs.ReadDir(fsys, ".")
	if err != nil {
		if at := (*fs.PathError)(nil); errors.As(err, &at) {
			err = at.Err // its path is "."
		}
		return nil, nil, fmt.Errorf("config: the directory of the profiles%s: %w", atPath(fsys), err)
	}
	files = map[string][]string{}
	for _, entry := range entries {
		file := entry.Name()
		name, ok := profilename.Of(file)
		if !ok {
			continue
		}
		if name != profilename.Base && files[name] == nil {
			profiles = append(profiles, name)
		}
		files[name] = append(files[name], file)
	}
	slices.Sort(profiles) // "a-b.yaml" comes before "a.yaml"
	return files, profiles, nil
}

// filesOf returns the files of a profile in the order of their layers.
func filesOf(fsys fs.FS, profile, chosen string) ([]string, error) {
	files, profiles, err := readDir(fsys)
	if err != nil {
		return nil, err
	}
	if profile == profilename.Base {
		return nil, fmt.Errorf("config: %q is what all profiles start from, not a profile%s%s", profilename.Base, chosen, listed(fsys, profiles))
	}
	if files[profile] == nil {
		return nil, fmt.Errorf("config: there is no profile %s%s%s%s: %w",
			quote(profile), chosen, suggest.DidYouMean(profile, profiles), listed(fsys, profiles), fs.ErrNotExist)
	}
	var found []string
	for _, name := range []string{profilename.Base, profile} {
		if len(files[name]) > 1 {
			return nil, fmt.Errorf("config: profile %q: there are both %s; remove one", profile, strings.Join(files[name], " and "))
		}
		found = append(found, files[name]...)
	}
	return found, nil
}

func listed(fsys fs.FS, profiles []string) string {
	dir := "the directory"
	if d, ok := fsys.(directory); ok {
		dir += " " + d.path
	}
	if len(profiles) == 0 {
		return "; " + dir + " has no profiles, which are files like " + profilename.Default + ".yaml"
	}
	return "; " + dir + " has: " + suggest.Few(profiles)
}

// Dir is the directory at a path on disk, as os.DirFS is, but Load names its
// files with that path, so that an editor or a terminal can open them.
func Dir(path string) fs.FS { return directory{os.DirFS(path), path} }

type directory struct {
	fs.FS
	path string
}

// Stat implements fs.StatFS: without it, fs.Stat would open the file, and to
// open a pipe waits for somebody who writes.
func (d directory) Stat(name string) (fs.FileInfo, error) { return fs.Stat(d.FS, name) }

// atPath names the path of a directory, where it has one, for messages.
func atPath(fsys fs.FS) string {
	if d, ok := fsys.(directory); ok {
		return ", " + d.path
	}
	return ""
}

// displayName is the name of a file for people.
func displayName(fsys fs.FS, file string) string {
	if d, ok := fsys.(directory); ok {
		return filepath.Join(d.path, file)
	}
	return file
}
