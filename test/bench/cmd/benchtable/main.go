// Command benchtable measures clad beside its peers and writes what it finds to
// docs/benchmarks.md and docs/benchmarks.svg, or compares clad with an earlier
// measurement. Run it with -h to see how.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"time"
)

const help = `benchtable measures what clad costs, beside the same written by hand and beside
other libraries.

Everything is measured in turn, in short slices over many rounds, and compared
with calls of time.Now made right before and after: a busy machine disturbs all
alike. What is reported is the median of these ratios, over the slices that did
not have to share their core with others. Before and after it is timed, every
case is shown to do what it is named after: the breaker trips, the limiter
rejects, the callee sees its deadline, a failed attempt is repeated.

usage, in the root of the repository:

  go run ./test/bench/cmd/benchtable [flags]

  benchtable                  measure everything, write the page and its plot
  benchtable -run breaker     print the cases that match, write nothing
  benchtable -run ^all/ -json -     the same as JSON
  benchtable -run limit -crowds     print how many goroutines get on, where it matches
  benchtable -check           compare clad with the baseline; fails if slower
  benchtable -update          make what is measured now the baseline

-check measures code of others along, which did not change: by as much as that
became slower, clad may. What still looks slower is measured again, three times,
by another process. A baseline of another machine finds allocations and
slow-downs to double; take one of your own before your change.

Cases are named row/system:form, such as "limit/clad:proxy" or "all/by-hand";
benchtable -list lists them. For profiles, use go test:

  cd test/bench && go test -run - -bench Call/all/clad:proxy -cpuprofile cpu.prof

flags:
`

type options struct {
	rounds   int
	slice    time.Duration
	filter   *regexp.Regexp
	soak     uint64
	json     string
	docs     string
	baseline string
	crowds   bool
	check    bool
	update   bool
	list     bool
	quiet    bool
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
	case errors.Is(err, errUsage):
		os.Exit(2)
	default:
		fmt.Fprintln(os.Stderr, "benchtable:", err)
		os.Exit(1)
	}
}

var errUsage = errors.New("wrong usage")

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	var progress *progress
	if !o.quiet {
		progress = newProgress(stderr)
	}
	switch {
	case o.list:
		return list(o, stdout)
	case o.check:
		return check(ctx, o, progress, stdout)
	case o.update:
		return update(ctx, o, progress, stdout)
	default:
		return table(ctx, o, progress, stdout)
	}
}

func parse(args []string, stderr io.Writer) (*options, error) {
	o := &options{}
	flags := flag.NewFlagSet("benchtable", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprint(stderr, help)
		flags.PrintDefaults()
	}
	filter := flags.String("run", "", "measure only the cases that match this `regexp`, and print them")
	flags.IntVar(&o.rounds, "rounds", 0, "how often each case is measured (default 40, with -check and -update 25)")
	flags.DurationVar(&o.slice, "slice", 9*time.Millisecond, "how `long` each case is measured in a round")
	flags.Uint64Var(&o.soak, "soak", 50_000_000, "how many `calls` to watch the heap over; 0 for none")
	flags.StringVar(&o.json, "json", "", "also write the results as JSON to this `file`, - for standard output")
	flags.StringVar(&o.docs, "docs", "docs", "the `folder` for benchmarks.md and benchmarks.svg")
	flags.StringVar(&o.baseline, "baseline", "test/bench/baseline.json", "the `file` that -check reads and -update writes")
	flags.BoolVar(&o.crowds, "crowds", false, "with -run: measure many goroutines, in place of one")
	flags.BoolVar(&o.check, "check", false, "compare clad with the baseline, and fail if it has become slower by more than the noise")
	flags.BoolVar(&o.update, "update", false, "make what is measured now the baseline")
	flags.BoolVar(&o.list, "list", false, "list the cases")
	flags.BoolVar(&o.quiet, "quiet", false, "show no progress")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil, err
		}
		return nil, errUsage
	}
	if o.rounds == 0 {
		o.rounds = 40
		if o.check || o.update {
			o.rounds = 25
		}
	}
	complain := func(format string, args ...any) (*options, error) {
		fmt.Fprintf(stderr, "benchtable: "+format+"; see benchtable -h\n", args...)
		return nil, errUsage
	}
	var err error
	switch o.filter, err = regexp.Compile(*filter); {
	case err != nil:
		return complain("-run: %v", err)
	case flags.NArg() > 0:
		return complain("unexpected argument %q", flags.Arg(0))
	case o.check && o.update:
		return complain("-check and -update do not go together")
	case o.crowds && (!o.filtered() || o.check):
		return complain("-crowds goes with -run, and not with -check")
	case o.rounds < 1 || o.slice <= 0:
		return complain("-rounds and -slice must be above 0")
	case o.filtered() && o.update:
		return complain("a baseline holds all cases: -update goes without -run")
	}
	return o, nil
}

// filtered reports whether only some cases are wanted.
func (o *options) filtered() bool { return o.filter.String() != "" }
