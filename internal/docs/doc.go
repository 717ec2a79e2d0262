// Package docs checks the examples in the documentation: every fenced block of
// every Markdown page, so that what the pages show is what the code does.
//
//   - go: compiled and vetted, as code outside clad. A program is run and must
//     exit 0; tests and examples are run. A block without a package clause is a
//     fragment: declarations, or statements of one function; imports that it
//     leaves out are found by their names.
//   - sh: parsed; every make target, every ./path and every package of clad that
//     it names must exist.
//   - yaml: parsed.
//   - any: formatted as gofmt does, for go; relative links of the page lead somewhere.
//
// A directive, a comment right before a block, says more about it:
//
//	<!-- docs: file=shop/main.go -->   its place: files of one page in one folder are
//	                                   one package, and the program's working directory
//	<!-- docs: serve -->               this program runs until it is interrupted
//	<!-- docs: run -->                 run this sh block, at the root of the repository
//	<!-- docs: output -->              what the last program or sh block before printed;
//	                                   ... stands for any text, on a line of its own for
//	                                   any lines
//	<!-- docs: build <reason> -->      compile this program, but don't run it
//	<!-- docs: skip <reason> -->       don't check this block
//
// Further lines in a directive are Go code that the page does not show: what a
// fragment needs around it. The fragment takes the place of a line of three dots,
// or comes last where there is none:
//
//	<!-- docs:
//	func charge(ctx context.Context, runner policy.Runner) error {
//		...
//	}
//	-->
package docs
