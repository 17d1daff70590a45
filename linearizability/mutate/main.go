//go:build unix

// Command mutate shows that the tests of the checker notice when the checker is wrong. It changes
// one thing at a time in the files that decide: a comparison, a bound, a condition, a step of a
// propagation that is turned off or around. Then it runs the checker's fast tests on what came of
// it, and says which test noticed:
//
//	go run ./linearizability/mutate
//
// A mutant that no test notices has survived: either a test is missing, or the change changes
// nothing that anybody could see, and then it stands in equivalent.txt with the reason. The exit
// code is 1 if a mutant survived that is not listed there, or one is listed that does not belong
// there, and 2 if the mutants could not be tried.
//
// The sources are never touched: the toolchain is told to read other bytes for them (go help build,
// -overlay). Progress goes to the standard error, and a table in Markdown to the standard output.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"
)

// deciding are the files that a verdict without a search rests on.
const deciding = "calls.go,unique.go,bound.go,drop.go,prepare.go,decide.go,blocks.go,decision.go," +
	"witness.go,certificate.go,confirm.go"

// fastTests are the tests that compare verdicts, witnesses and explanations with what is known of
// them, without those that measure time or memory.
const fastTests = "ByRule|Random|ALongChain|ExplanationsAreIllegal|AStaleRead|EveryPiece|" +
	"DoesNotConfirm|TheNaiveChecker|ADetachedUpdate|EachClass|ACertificate|AWitness|AWrite"

type options struct {
	folder, files, match, tests string
	workers, histories          int
	limit                       time.Duration
	list                        bool
}

func main() {
	var o options
	flag.StringVar(&o.folder, "folder", "linearizability", "the folder of the checker")
	flag.StringVar(&o.files, "files", deciding, "the files to change, with commas in between")
	flag.StringVar(&o.match, "match", "", "try only mutants whose file, function and lines, as "+
		"--list shows them, match this regular expression")
	flag.StringVar(&o.tests, "tests", fastTests, "the tests to run, a regular expression")
	flag.IntVar(&o.workers, "workers", 1, "how many mutants are tried at a time")
	flag.IntVar(&o.histories, "histories", 10_000, "how many random histories a test compares")
	flag.DurationVar(&o.limit, "limit", 30*time.Second, "how long the tests of a mutant may take")
	flag.BoolVar(&o.list, "list", false, "list the mutants and try none")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	good, err := run(ctx, o, flag.Args())
	stop()
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "mutate:", err)
		os.Exit(2)
	case !good:
		os.Exit(1)
	}
}

// run tries the mutants and tells whether all of them were killed or accepted.
func run(ctx context.Context, o options, arguments []string) (bool, error) {
	if len(arguments) > 0 {
		return false, fmt.Errorf("unexpected argument %q (see --help)", arguments[0])
	}
	if o.workers < 1 || o.histories < 1 || o.limit <= 0 {
		return false, errors.New("--workers, --histories and --limit must be positive")
	}
	wanted, err := regexp.Compile(o.match)
	if err != nil {
		return false, fmt.Errorf("--match: %w", err)
	}
	s, err := newSession(o.folder, strings.Split(o.files, ","))
	if err != nil {
		return false, err
	}
	if o.list {
		for _, m := range s.mutants {
			if wanted.MatchString(m.key()) {
				fmt.Printf("%s\n\n", m.key())
			}
		}
		return true, nil
	}
	temporary, err := os.MkdirTemp("", "ordeal-mutate")
	if err != nil {
		return false, err
	}
	defer os.RemoveAll(temporary)
	if err := limitMemory(); err != nil {
		return false, err
	}
	r := &runner{folder: s.folder, temporary: temporary, tests: o.tests,
		histories: o.histories, limit: o.limit}
	err = s.try(ctx, r, wanted, o.workers)
	switch {
	case ctx.Err() != nil:
		return false, errors.New("interrupted")
	case err != nil:
		return false, err
	}
	return s.report(os.Stdout, o.match == ""), nil
}

// A session is what is tried, and what came of it.
type session struct {
	folder   string
	files    []string
	sources  map[string][]byte
	mutants  []mutant
	results  []result
	accepted map[string]acceptance
}

// A result is what became of one mutant, and which test noticed it. One that was not tried has no
// fate.
type result struct {
	fate fate
	by   string
}

func newSession(folder string, files []string) (*session, error) {
	folder, err := filepath.Abs(folder)
	if err != nil {
		return nil, err
	}
	s := &session{folder: folder, files: files, sources: map[string][]byte{}}
	for _, name := range files {
		text, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			return nil, fmt.Errorf("%w (--folder is the checker's, --files are in it)", err)
		}
		found, err := mutantsOf(name, text)
		if err != nil {
			return nil, err
		}
		s.sources[name] = text
		s.mutants = append(s.mutants, found...)
	}
	s.results = make([]result, len(s.mutants))
	s.accepted, err = readAccepted(filepath.Join(folder, "mutate", "equivalent.txt"))
	return s, err
}
