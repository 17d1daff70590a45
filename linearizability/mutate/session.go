//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// try runs the tests on every mutant that is wanted, file by file. It ends with an error when it is
// interrupted, or when a mutant could not be tried.
func (s *session) try(
	ctx context.Context, r *runner, wanted *regexp.Regexp, workers int,
) error {
	for _, file := range s.files {
		var alone []int
		b := &batch{file: file, source: s.sources[file], mutants: map[int]mutant{}}
		for i, m := range s.mutants {
			switch {
			case m.file != file || !wanted.MatchString(m.key()):
			case m.canBeCopied():
				b.mutants[i+1] = m
			default:
				alone = append(alone, i)
			}
		}
		if err := s.tryBatch(ctx, r, b, workers); err != nil {
			return err
		}
		err := s.each(ctx, alone, workers, func(i int) (fate, string, error) {
			return r.runAlone(ctx, s.mutants[i], b.source)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// tryBatch tries the mutants of one file that are built together.
func (s *session) tryBatch(ctx context.Context, r *runner, b *batch, workers int) error {
	all := b.numbers()
	if len(all) == 0 {
		return nil
	}
	path, err := b.build(ctx, r)
	if err != nil {
		return err
	}
	defer os.RemoveAll(filepath.Dir(path))
	if became, by, err := r.run(ctx, path, 0); err != nil || became != survived {
		return errors.Join(fmt.Errorf("without any change: %s %s", became, by), err)
	}
	var left []int
	for _, number := range all {
		if _, builds := b.mutants[number]; builds {
			left = append(left, number-1)
		} else {
			s.results[number-1].fate = doesNotBuild
		}
	}
	return s.each(ctx, left, workers, func(i int) (fate, string, error) {
		return r.run(ctx, path, i+1)
	})
}

// each finds out what becomes of some mutants, and says so.
func (s *session) each(
	ctx context.Context, some []int, workers int, try func(i int) (fate, string, error),
) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	queue := make(chan int, len(some))
	for _, i := range some {
		queue <- i
	}
	close(queue)
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			for i := range queue {
				if ctx.Err() != nil {
					return
				}
				became, by, err := try(i)
				if err != nil {
					cancel(err)
					return
				}
				s.results[i] = result{became, by}
				fmt.Fprintf(os.Stderr, "%4d left: %s:%d: %s %s\n", len(queue),
					s.mutants[i].file, s.mutants[i].line, became, by)
			}
		})
	}
	group.Wait()
	return context.Cause(ctx)
}

// report writes what became of the mutants, and tells whether all were killed or accepted. With
// everything tried, it also says which acceptances are of no mutant.
func (s *session) report(out io.Writer, all bool) bool {
	fmt.Fprintln(out, "| file | mutants | killed | by the time limit | accepted | survived | "+
		"do not compile |")
	fmt.Fprintln(out, "|---|---|---|---|---|---|---|")
	total := map[string]int{}
	for _, file := range s.files {
		counts := s.count(file)
		fmt.Fprintln(out, row(file, counts))
		for column, n := range counts {
			total[column] += n
		}
	}
	fmt.Fprintln(out, row("all", total))
	s.reportKillers(out)
	good := true
	stale := maps.Clone(s.accepted)
	for i, m := range s.mutants {
		entry, accepted := s.accepted[m.key()]
		delete(stale, m.key())
		switch became := s.results[i].fate; {
		case became == survived && !accepted:
			good = false
			fmt.Fprintf(out, "\nsurvived, line %d:\n\n%s\n", m.line, indented(m.key()))
		case accepted && became != survived && became != "":
			good = false
			fmt.Fprintf(out, "\naccepted in line %d of the list, but %s %s:\n\n%s\n",
				entry.line, became, s.results[i].by, indented(m.key()))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(stale)) {
		file, _, _ := strings.Cut(key, " ")
		if all && slices.Contains(s.files, file) {
			good = false
			fmt.Fprintf(out, "\naccepted in line %d of the list, but there is no such mutant:\n\n%s\n",
				stale[key].line, indented(key))
		}
	}
	return good
}

// count returns how many mutants of a file had each fate. Mutants that do not compile are none.
func (s *session) count(file string) map[string]int {
	counts := map[string]int{}
	for i, m := range s.mutants {
		became := s.results[i].fate
		if m.file != file || became == "" {
			continue
		}
		if became != doesNotBuild {
			counts["mutants"]++
		}
		if _, accepted := s.accepted[m.key()]; accepted && became == survived {
			became = "accepted"
		}
		counts[string(became)]++
	}
	return counts
}

func row(name string, counts map[string]int) string {
	return fmt.Sprintf("| %s | %d | %d | %d | %d | %d | %d |", name, counts["mutants"],
		counts[string(killed)], counts[string(timedOut)], counts["accepted"],
		counts[string(survived)], counts[string(doesNotBuild)])
}

// reportKillers says how many mutants each test was the first to notice.
func (s *session) reportKillers(out io.Writer) {
	killers := map[string]int{}
	for _, r := range s.results {
		if r.by != "" {
			killers[r.by]++
		}
	}
	fmt.Fprintln(out, "\n| noticed first by | mutants |\n|---|---|")
	names := slices.SortedFunc(maps.Keys(killers), func(a, b string) int {
		return killers[b] - killers[a]
	})
	for _, name := range names {
		fmt.Fprintf(out, "| %s | %d |\n", name, killers[name])
	}
}

func indented(text string) string { return "    " + strings.ReplaceAll(text, "\n", "\n    ") }
