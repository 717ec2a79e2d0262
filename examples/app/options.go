package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
)

// options is what the command line and the environment say.
type options struct {
	demo     bool
	verbose  bool
	configs  string
	api      string
	bank     string
	bankURL  string // of another's bank
	database string
	environ  []string
}

const help = `A payment service on this machine, with a bank of its own, to see clad at work:
gateway, ledger and cache are protected by the policies of a profile.

  go run ./examples/app          serve, and print three curl lines to try
  go run ./examples/app -demo    play an outage of the bank, then a bank on fire, and say what happened

Flags:
`

const helpEnvironment = `
Environment:
  CLAD_PROFILE   the profile: a file in the directory of profiles (default development)
  CLAD__...      one setting, as in CLAD__POLICIES__EXTERNAL_API__RETRY__MAX_ATTEMPTS=5
  DATABASE_URL   the ledger: postgres://user@host/database, file:path, or a temporary SQLite file
  BANK_URL       another bank than the built-in one
  NO_COLOR       no colours

Exit code: 0 if all went well, 1 if not (with -demo: if a step went otherwise
than told), 2 for wrong usage.
`

var errUsage = errors.New("wrong usage")

func parseOptions(args, environ []string, stderr io.Writer) (options, error) {
	o := options{
		bankURL:  lookup(environ, "BANK_URL"),
		database: lookup(environ, "DATABASE_URL"),
		environ:  environ,
	}
	flags := flag.NewFlagSet("app", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprint(stderr, help)
		flags.PrintDefaults()
		fmt.Fprint(stderr, helpEnvironment)
	}
	flags.BoolVar(&o.demo, "demo", false, "play an outage of the bank and a bank on fire, then exit")
	flags.BoolVar(&o.verbose, "v", false, "log retries, rejections and what Fx does")
	flags.StringVar(&o.configs, "configs", "", "the `directory` of profiles (default: the repository's configs)")
	flags.StringVar(&o.api, "api", "127.0.0.1:8080", "the `address` of the payment service; a free port if that is taken")
	flags.StringVar(&o.bank, "bank", "127.0.0.1:8081", "the `address` of the built-in bank; a free port if that is taken")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		fmt.Fprintf(stderr, "unexpected argument %q; -h shows what there is\n", flags.Arg(0))
		return o, errUsage
	}
	return o, nil
}

func usageExit(err error) int {
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	return 2
}

// lookup finds a variable in an environment as os.Environ gives it.
func lookup(environ []string, name string) string {
	for _, entry := range environ {
		if value, ok := strings.CutPrefix(entry, name+"="); ok {
			return value
		}
	}
	return ""
}
