// Command gentable measures what a run of clad gen costs beside moq and mockery,
// and writes the table in docs/generating-proxies.md. Run it with -h to see how.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
)

const help = `gentable has clad gen, moq and mockery write code for the same 30 interfaces of 6
methods, each in a module of its own, in turn and over many rounds. What is
reported are medians. After each run the code is looked at for what was asked.

moq and mockery are installed in a temporary folder, at the versions below.

usage, in test/bench:

  go run ./cmd/gentable              print the table
  go run ./cmd/gentable -write       write it to the page, too

flags:
`

// The versions compared with.
const (
	moqVersion     = "v0.8.1"
	mockeryVersion = "v3.9.1"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "gentable:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	flags := flag.NewFlagSet("gentable", flag.ExitOnError)
	flags.Usage = func() {
		fmt.Fprint(flags.Output(), help)
		flags.PrintDefaults()
	}
	root := flags.String("root", "../..", "`folder` of the repository")
	rounds := flags.Int("rounds", 15, "how often each is run")
	write := flags.Bool("write", false, "write the table to docs/generating-proxies.md")
	if err := flags.Parse(os.Args[1:]); err != nil {
		return err
	}
	repository, err := filepath.Abs(*root)
	if err != nil {
		return err
	}
	temp, err := os.MkdirTemp("", "clad-gentable-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(temp) }()
	b := &bench{ctx: ctx, repository: repository, temp: temp}
	if err := b.install(); err != nil {
		return err
	}
	results, err := b.measure(*rounds)
	if err != nil {
		return err
	}
	table := table(results)
	fmt.Print(table)
	if !*write {
		return nil
	}
	return replaceTable(filepath.Join(repository, "docs", "generating-proxies.md"), table)
}

// table writes the results as Markdown.
func table(results []result) string {
	var b strings.Builder
	fmt.Fprintf(&b, "| run | processor time | wall time | memory |\n| --- | ---: | ---: | ---: |\n")
	for _, r := range results {
		fmt.Fprintf(&b, "| %s | %.2f s | %.2f s | %d MB |\n", r.name, r.cpu.Seconds(), r.wall.Seconds(), r.peak>>20)
	}
	fmt.Fprintf(&b, "\nMedians of %d runs on %d processors with %s, the go command's processes counted in; the memory is that of the largest process.\n",
		results[0].rounds, runtime.GOMAXPROCS(0), runtime.Version())
	return b.String()
}

const begin, end = "<!-- Written by test/bench/cmd/gentable. -->\n", "<!-- gentable ends -->\n"

// replaceTable puts the table between its marks on the page.
func replaceTable(page, table string) error {
	text, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	before, rest, found := strings.Cut(string(text), begin)
	_, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		return fmt.Errorf("%s: the marks %q and %q are missing", page, strings.TrimSpace(begin), strings.TrimSpace(end))
	}
	return os.WriteFile(page, []byte(before+begin+"\n"+table+"\n"+end+after), 0o644)
}
