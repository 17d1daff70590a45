//go:build unix

package main

import (
	"bytes"
	"context"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const sample = `package linearizability

const bound = 8

func (b *box) fits(n int, more ...int) bool {
	if n < bound && b.open {
		b.size += n
		return true
	}
	return len(more) == 0
}
`

func TestEachRuleMakesMutants(t *testing.T) {
	found, err := mutantsOf("sample.go", []byte(sample))
	require.NoError(t, err)
	var after []string
	for _, m := range found {
		after = append(after, m.after)
		require.Equal(t, "sample.go", m.file)
		require.NotEqual(t, m.before, m.after)
		_, err := parser.ParseFile(token.NewFileSet(), "", m.source([]byte(sample)), 0)
		require.NoError(t, err, m.after)
	}
	for _, want := range []string{
		"const bound = 9", "const bound = 7",
		"if n <= bound && b.open {", "if n >= bound && b.open {", "if n < bound || b.open {",
		"if (true || n < bound) && b.open {", "if n < bound && (true || b.open) {",
		"if true || (n < bound && b.open) {", "if false && (n < bound && b.open) {",
		"if false { b.size += n }", "b.size -= n", "return false", "if false { return true }",
		"return len(more) != 0", "return len(more) == 1",
		"if true { return !(len(more) == 0) }; return len(more) == 0",
	} {
		require.Contains(t, after, want)
	}
}

// A batch holds each function, its original and its mutants, and says which of its lines are whose.
func TestABatchChoosesAmongCopies(t *testing.T) {
	found, err := mutantsOf("sample.go", []byte(sample))
	require.NoError(t, err)
	b := &batch{file: "sample.go", source: []byte(sample), mutants: map[int]mutant{}}
	for i, m := range found {
		if m.canBeCopied() {
			b.mutants[i+1] = m
		}
	}
	require.Len(t, b.mutants, len(found)-2, "a constant is in no function")
	text, owners := b.text()
	_, err = parser.ParseFile(token.NewFileSet(), "", text, 0)
	require.NoError(t, err)
	lines := strings.Split(string(text), "\n")
	require.Len(t, owners, len(lines)-1)
	require.Contains(t, lines, "\t\treturn b.fitsMutant0(n, more...)")
	for i, line := range lines[:len(owners)] {
		if _, name, ok := strings.Cut(line, "func (b *box) fitsMutant"); ok {
			require.True(t, strings.HasPrefix(name, number(owners[i])+"("), line)
		}
	}
	require.Equal(t, []int{7, 12},
		refused("# x\n./sample.go:7:3: no\nsample.go:12:1: no\nother.go:9:9: no", "sample.go"))
}

func number(n int) string { return strings.TrimPrefix(copyName("", n), "Mutant") }

func TestTheListOfAcceptedMutants(t *testing.T) {
	path := filepath.Join(t.TempDir(), "list.txt")
	for text, complaint := range map[string]string{
		"a.go f\n- x\n+ y\n- x\n+ z\nbecause\nof this\n\n# comment\nb.go g\n- x\n+ y\nfor that": "",
		"a.go f\n- x\n+ y":         path + ":1: an entry is",
		"a.go f\nreason":           path + ":1: an entry is",
		"\na.go f\n- x\nwhy\nmore": path + ":2: the line \"- x\" is not followed",
		"a.go f\n- x\n+ y\nwhy\n\na.go f\n- x\n+ y\nwhy again": path +
			":6: the same mutant is accepted in line 1",
	} {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		all, err := readAccepted(path)
		if complaint != "" {
			require.ErrorContains(t, err, complaint)
			continue
		}
		require.NoError(t, err)
		require.Len(t, all, 3)
		require.Equal(t, "because of this", all["a.go f\n- x\n+ z"].reason)
		require.Equal(t, 10, all["b.go g\n- x\n+ y"].line)
	}
}

// Every entry of the list is of a mutant that there is.
func TestAcceptedMutantsExist(t *testing.T) {
	s, err := newSession("..", strings.Split(deciding, ","))
	require.NoError(t, err)
	require.NotEmpty(t, s.accepted)
	for _, m := range s.mutants {
		delete(s.accepted, m.key())
	}
	require.Empty(t, s.accepted)
}

func TestTheReportTellsWhatIsWrong(t *testing.T) {
	s := &session{
		files: []string{"a.go"},
		mutants: []mutant{
			{file: "a.go", function: "f", before: "x", after: "killed"},
			{file: "a.go", function: "f", before: "x", after: "listed"},
			{file: "a.go", function: "f", before: "x", after: "broken"},
		},
		results:  []result{{killed, "TestIt"}, {survived, ""}, {doesNotBuild, ""}},
		accepted: map[string]acceptance{"a.go f\n- x\n+ listed": {line: 3}},
	}
	var out bytes.Buffer
	require.True(t, s.report(&out, true))
	require.Contains(t, out.String(), "| a.go | 2 | 1 | 0 | 1 | 0 | 1 |")
	require.Contains(t, out.String(), "| TestIt | 1 |")

	s.results[1] = result{killed, "TestIt"}
	require.False(t, s.report(&out, true))
	require.Contains(t, out.String(), "accepted in line 3 of the list, but killed TestIt")

	s.results[1], s.accepted = result{survived, ""}, nil
	require.False(t, s.report(&out, true))
	require.Contains(t, out.String(), "survived, line 0:\n\n    a.go f\n    - x\n    + listed")

	s.results[1] = result{killed, "TestIt"}
	s.accepted = map[string]acceptance{"a.go g\n- x\n+ y": {line: 9}}
	require.True(t, s.report(&out, false))
	require.False(t, s.report(&out, true))
	require.Contains(t, out.String(), "accepted in line 9 of the list, but there is no such mutant")
}

// What runs the tests is tried on programs that end in each way.
func TestTheFateOfAMutant(t *testing.T) {
	r := &runner{folder: t.TempDir(), limit: 300 * time.Millisecond, tests: ".", histories: 1}
	program := filepath.Join(r.folder, "program")
	for body, want := range map[string]result{
		"exit 0": {survived, ""},
		"echo '=== RUN   TestA'; echo '=== RUN   TestB'; exit 1":  {killed, "TestB"},
		"echo '=== RUN   TestA'; echo 'panic: no'; exit 2":        {killed, "TestA"},
		"echo '=== RUN   TestA'; sleep 60":                        {timedOut, "TestA"},
		`[ "$ORDEAL_MUTANT$ORDEAL_HISTORIES" = 71 ] || exit 1; :`: {survived, ""},
	} {
		require.NoError(t, os.WriteFile(program, []byte("#!/bin/sh\n"+body), 0o700))
		became, by, err := r.run(t.Context(), program, 7)
		require.NoError(t, err)
		require.Equal(t, want, result{became, by}, body)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	became, _, err := r.run(ctx, program, 7)
	require.NoError(t, err)
	require.Equal(t, interrupted, became)
	_, _, err = r.run(t.Context(), filepath.Join(r.folder, "none"), 7)
	require.ErrorContains(t, err, "run the tests")
}

func TestUsageMistakesAreNamed(t *testing.T) {
	good := options{folder: "..", files: "drop.go", workers: 1, histories: 1, limit: time.Second}
	for want, change := range map[string]func(o *options){
		"must be positive":          func(o *options) { o.workers = 0 },
		"--match":                   func(o *options) { o.match = "(" },
		"--folder is the checker's": func(o *options) { o.files = "none.go" },
	} {
		o := good
		change(&o)
		_, err := run(t.Context(), o, nil)
		require.ErrorContains(t, err, want)
	}
	_, err := run(t.Context(), good, []string{"more"})
	require.ErrorContains(t, err, `unexpected argument "more"`)
}
