package main

import (
	"context"
	"flag"
	"fmt"
	"runtime/debug"
)

var versionCommand = command{
	name:    "version",
	summary: "print the version of clad and of Go",
	usage:   "version",
	help:    "Version prints what the build knows of itself: the module's version, or the\nrevision it was built from, and the release of Go.",
	prepare: func(_ *flag.FlagSet, io streams) func(context.Context, []string) int {
		return func(_ context.Context, args []string) int {
			if len(args) > 0 {
				fmt.Fprintf(io.err, "clad version: it takes no arguments\n")
				return misuse
			}
			fmt.Fprintln(io.out, version())
			return ok
		}
	},
}

func version() string {
	info, known := debug.ReadBuildInfo()
	if !known {
		return "clad (unknown version)"
	}
	revision, modified := "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			revision = " " + s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			modified = " (modified)"
		}
	}
	version := info.Main.Version
	if version == "" {
		version = "(devel)"
	}
	return fmt.Sprintf("clad %s%s%s, %s", version, revision, modified, info.GoVersion)
}
