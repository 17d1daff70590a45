package jepsen_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/history"
	"ordeal/history/jepsen"
	"ordeal/linearizability"
)

func check(
	t testing.TB, ops []history.Operation, o linearizability.Options,
) linearizability.Report {
	t.Helper()
	report, err := linearizability.Check(t.Context(), linearizability.Register(), ops, o)
	require.NoError(t, err)
	return report
}

// porcupine returns the directory of that module.
func porcupine(t testing.TB) string {
	t.Helper()
	list := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/anishathalye/porcupine")
	dir, err := list.Output()
	require.NoError(t, err)
	return strings.TrimSpace(string(dir))
}

// published returns what porcupine's own test expects of its files, by their names: it calls
// checkJepsen(t, 7, true) for a seventh file that is legal.
func published(t testing.TB) map[string]linearizability.Verdict {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(),
		filepath.Join(porcupine(t), "porcupine_test.go"), nil, 0)
	require.NoError(t, err)
	verdicts := map[string]linearizability.Verdict{}
	ast.Inspect(file, func(node ast.Node) bool {
		call, ok := node.(*ast.CallExpr)
		if !ok || len(call.Args) != 3 {
			return true
		}
		if name, ok := call.Fun.(*ast.Ident); !ok || name.Name != "checkJepsen" {
			return true
		}
		number, err := strconv.Atoi(call.Args[1].(*ast.BasicLit).Value)
		require.NoError(t, err)
		verdict := linearizability.Illegal
		if call.Args[2].(*ast.Ident).Name == "true" {
			verdict = linearizability.Legal
		}
		verdicts[fmt.Sprintf("etcd_%03d.log", number)] = verdict
		return true
	})
	require.Len(t, verdicts, 102)
	return verdicts
}

// The histories of etcd that Jepsen recorded and porcupine comes with have published verdicts.
// Values repeat and refused compare-and-sets do not say what they saw, so hardly anything can be
// prepared: this is the general path of the checker.
func TestVerdictsOfEtcdAreAsPublished(t *testing.T) {
	want := published(t)
	files, err := filepath.Glob(filepath.Join(porcupine(t), "test_data", "jepsen", "*.log"))
	require.NoError(t, err)
	got := map[string]linearizability.Verdict{}
	for _, file := range files {
		read, err := jepsen.ReadFile(file, jepsen.Options{Format: jepsen.Log})
		require.NoError(t, err)
		require.Empty(t, read.Cut, file)
		name := filepath.Base(file)
		if name == "etcd_095.log" {
			require.Empty(t, read.Events, "this file is empty, and the only one without a verdict")
			continue
		}
		report := check(t, read.Operations(), linearizability.Options{Explanations: 1})
		got[name] = report.Verdict
		for _, violation := range report.Violations {
			require.True(t, violation.Confirmed, file)
		}
	}
	require.Equal(t, want, got)
}

// Porcupine's histories of a key-value store append to values, which no register does.
func TestAppendIsRefused(t *testing.T) {
	for _, name := range []string{"c01-bad.txt", "c50-ok.txt"} {
		path := filepath.Join(porcupine(t), "test_data", "kv", name)
		_, err := jepsen.ReadFile(path, jepsen.Options{})
		require.ErrorContains(t, err, name+":1: :f is :")
		require.ErrorContains(t, err, "(accepted: :read, :write and :cas, those of a register)")
	}
}
