package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"

	"github.com/cladgo/clad/config"
)

var schemaCommand = command{
	name:    "schema",
	summary: "write the JSON Schema of profiles, for editors",
	usage:   "schema [-o file]",
	help: `
Schema writes a JSON Schema (draft 2020-12) of the files of profiles. It is made
of the same definitions as the loader, so it knows every setting of this version
of clad.

  clad schema -o configs/profile.schema.json

An editor with a YAML language server completes and checks a profile that begins
with

  # yaml-language-server: $schema=profile.schema.json

What shows only when all layers are merged, clad check tells.
`,
	prepare: func(flags *flag.FlagSet, io streams) func(context.Context, []string) int {
		output := flags.String("o", "", "write to this `file`, if it is not the same already")
		return func(_ context.Context, args []string) int {
			if len(args) > 0 {
				return misused(io, "schema", errors.New("it takes no arguments"))
			}
			return writeSchema(*output, io)
		}
	},
}

func writeSchema(file string, io streams) int {
	schema := config.JSONSchema()
	var err error
	if file == "" {
		_, err = io.out.Write(schema)
	} else if old, readErr := os.ReadFile(file); readErr != nil || string(old) != string(schema) {
		err = os.WriteFile(file, schema, 0o644)
	}
	if err != nil {
		fmt.Fprintf(io.err, "clad schema: %v\n", err)
		return failed
	}
	return ok
}
