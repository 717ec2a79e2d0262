package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"github.com/cladgo/clad/config"
)

// profile is a loaded profile, and the directory it is from.
type profile struct {
	*config.Profile
	dir string
}

// loadProfile loads the profile of that name; "" is the one that the
// environment chooses.
func loadProfile(dir, name string, environ []string) (profile, error) {
	dir, err := findConfigs(dir)
	if err != nil {
		return profile{}, err
	}
	p, err := config.Load(config.Dir(dir), name, environ)
	return profile{p, dir}, err
}

// findConfigs returns the directory of profiles: the one that was asked for, or
// configs here, or the repository's, seen from this file.
func findConfigs(asked string) (string, error) {
	if asked != "" {
		if _, err := os.Stat(asked); err != nil {
			return "", fmt.Errorf("-configs: %w", err)
		}
		return asked, nil
	}
	candidates := []string{"configs"}
	if _, file, _, ok := runtime.Caller(0); ok {
		candidates = append(candidates, filepath.Join(filepath.Dir(file), "..", "..", "configs"))
	}
	for _, dir := range candidates {
		if info, err := os.Stat(dir); err == nil && info.IsDir() {
			return dir, nil
		}
	}
	return "", errors.New("no directory of profiles: run this in the repository, or say where they are with -configs")
}

// describe names the file that the profile is from.
func (p profile) describe() string {
	return fmt.Sprintf("%s, from %s", p.Name(), filepath.Join(p.dir, p.Name()+".yaml"))
}
