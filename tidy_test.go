// Package ordeal_test holds the rules of style that a machine can check.
package ordeal_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

const (
	fileLinesMax     = 450
	functionLinesMax = 70
	// A tab counts as one column.
	columnsMax = 100
)

// pure packages have no clock, network, disk, goroutine or global randomness.
var pure = []string{
	"history/stream", "nemesis", "workloads", "node/paxos", "node/replica", "node/store",
	"harness/plan", "results/diagram", "simulation/invariants",
}

// effects are what a pure package must not import. A package "os" is allowed nowhere among them.
var effects = []string{
	"os", "os/exec", "os/signal", "net", "net/http", "syscall", "sync", "sync/atomic", "runtime",
	"log", "log/slog", "crypto/rand", "math/rand", "golang.org/x/sys/unix", "context",
}

// clockCalls are the functions of package time that look at the clock or wait for it.
var clockCalls = map[string]bool{
	"Now": true, "Since": true, "Until": true, "Sleep": true, "After": true, "AfterFunc": true,
	"Tick": true, "NewTimer": true, "NewTicker": true,
}

// randomValues are what a pure package may take from math/rand/v2: types and constructors. The
// other functions draw from the global source.
var randomValues = map[string]bool{
	"Rand": true, "New": true, "NewPCG": true, "PCG": true, "Source": true, "NewChaCha8": true,
}

// confined imports may stand in one folder only, so that what is behind them can be replaced by
// changing that folder.
var confined = map[string]string{
	"github.com/docker/docker":          "docker",
	"github.com/anishathalye/porcupine": "linearizability",
	"github.com/google/nftables":        "docker/agent",
	"ordeal/node":                       "node docker/system simulation cmd",
	"ordeal/docker":                     "docker cmd",
	"ordeal/harness":                    "harness cmd results",
	"ordeal/simulation":                 "simulation cmd",
	"ordeal/cmd":                        "",
}

// A source is one parsed Go file of the project.
type source struct {
	path string
	dir  string
	test bool
	text string
	file *ast.File
	set  *token.FileSet
}

func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() && path != "." && (name[0] == '.' || name == "testdata") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, text, parser.ParseComments)
		all = append(all, source{
			path: path, dir: filepath.ToSlash(filepath.Dir(path)),
			test: strings.HasSuffix(name, "_test.go"), text: string(text), file: file, set: set,
		})
		return err
	})
	require.NoError(t, err)
	require.NotEmpty(t, all)
	return all
}

func (s source) lines(from, to token.Pos) int {
	return s.set.Position(to).Line - s.set.Position(from).Line + 1
}

func (s source) imports() map[string]string {
	names := make(map[string]string)
	for _, spec := range s.file.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue
		}
		name := filepath.Base(path)
		if regexp.MustCompile(`^v\d+$`).MatchString(name) {
			name = filepath.Base(filepath.Dir(path))
		}
		if spec.Name != nil {
			name = spec.Name.Name
		}
		names[path] = name
	}
	return names
}

func TestFilesAndFunctionsAreShort(t *testing.T) {
	for _, s := range sources(t) {
		if lines := strings.Count(s.text, "\n"); lines > fileLinesMax {
			t.Errorf("%s has %d lines (at most %d)", s.path, lines, fileLinesMax)
		}
		for i, line := range strings.Split(s.text, "\n") {
			if columns := utf8.RuneCountInString(line); columns > columnsMax {
				t.Errorf("%s:%d has %d columns (at most %d)", s.path, i+1, columns, columnsMax)
			}
		}
		for _, declaration := range s.file.Decls {
			function, ok := declaration.(*ast.FuncDecl)
			if !ok {
				continue
			}
			if lines := s.lines(function.Pos(), function.End()); lines > functionLinesMax {
				t.Errorf("%s: %s has %d lines (at most %d)",
					s.path, function.Name.Name, lines, functionLinesMax)
			}
		}
	}
}

func TestPurePackagesHaveNoEffects(t *testing.T) {
	for _, s := range sources(t) {
		if s.test || !isPure(s.dir) {
			continue
		}
		imports := s.imports()
		for _, effect := range effects {
			if _, ok := imports[effect]; ok {
				t.Errorf("%s imports %s, and its package is pure", s.path, effect)
			}
		}
		ast.Inspect(s.file, func(node ast.Node) bool {
			if _, ok := node.(*ast.GoStmt); ok {
				t.Errorf("%s starts a goroutine, and its package is pure", s.path)
			}
			selector, ok := node.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			name, _ := selector.X.(*ast.Ident)
			if name == nil {
				return true
			}
			if name.Name == imports["time"] && clockCalls[selector.Sel.Name] {
				t.Errorf("%s looks at the clock: time.%s", s.path, selector.Sel.Name)
			}
			if name.Name == imports["math/rand/v2"] && !randomValues[selector.Sel.Name] {
				t.Errorf("%s draws from the global source: rand.%s", s.path, selector.Sel.Name)
			}
			return true
		})
	}
}

// deterministic packages may have effects, but nothing in them may depend on the clock, on chance
// or on which goroutine comes first: a seed would not be a run any more.
var deterministic = []string{"simulation", "simulation/explore"}

func TestASeedIsARun(t *testing.T) {
	for _, s := range sources(t) {
		if s.test || !slices.Contains(deterministic, s.dir) {
			continue
		}
		imports := s.imports()
		ast.Inspect(s.file, func(node ast.Node) bool {
			switch node := node.(type) {
			case *ast.GoStmt, *ast.SelectStmt, *ast.SendStmt:
				t.Errorf("%s: a goroutine, a select or a channel in a deterministic package",
					s.set.Position(node.Pos()))
			case *ast.SelectorExpr:
				name, _ := node.X.(*ast.Ident)
				if name == nil {
					return true
				}
				clock := name.Name == imports["time"] && clockCalls[node.Sel.Name]
				random := name.Name == imports["math/rand/v2"] && !randomValues[node.Sel.Name]
				if clock || random || name.Name == imports["crypto/rand"] {
					t.Errorf("%s: %s.%s in a deterministic package",
						s.set.Position(node.Pos()), name.Name, node.Sel.Name)
				}
			case *ast.BasicLit:
				if node.Kind == token.FLOAT {
					t.Errorf("%s: floating point in a deterministic package",
						s.set.Position(node.Pos()))
				}
			}
			return true
		})
	}
}

func isPure(dir string) bool {
	for _, name := range pure {
		if dir == name {
			return true
		}
	}
	return false
}

func TestImportsPointOneWay(t *testing.T) {
	for _, s := range sources(t) {
		if s.dir == "." {
			continue
		}
		for path := range s.imports() {
			for prefix, folders := range confined {
				if path != prefix && !strings.HasPrefix(path, prefix+"/") {
					continue
				}
				if !belongs(s.dir, strings.Fields(folders)) && !allowed(s, path) {
					t.Errorf("%s imports %s, which belongs in: %s", s.path, path, folders)
				}
			}
		}
	}
}

// allowed names the exceptions: a system under test is a value that everyone may hold, and the
// tests of an environment may run a whole test in it.
func allowed(s source, path string) bool {
	environment := s.dir == "docker" || s.dir == "simulation"
	if s.test && environment && belongs(path, []string{"ordeal/harness"}) {
		return true
	}
	return path == "ordeal/docker/system" && belongs(s.dir, []string{"harness"})
}

func belongs(dir string, folders []string) bool {
	for _, folder := range folders {
		if dir == folder || strings.HasPrefix(dir, folder+"/") {
			return true
		}
	}
	return false
}

func TestEveryPackageSaysWhatItIsFor(t *testing.T) {
	documented := make(map[string]bool)
	for _, s := range sources(t) {
		if !s.test {
			documented[s.dir] = documented[s.dir] || s.file.Doc != nil
		}
	}
	for dir, ok := range documented {
		if !ok {
			t.Errorf("package %s has no documentation", dir)
		}
	}
}

var link = regexp.MustCompile(`\]\(([^)#][^)]*)\)`)

func TestLinksOfTheDocumentsLeadSomewhere(t *testing.T) {
	documents, err := filepath.Glob("*.md")
	require.NoError(t, err)
	more, err := filepath.Glob("docs/*.md")
	require.NoError(t, err)
	require.Contains(t, documents, "README.md")
	for _, document := range append(documents, more...) {
		text, err := os.ReadFile(document)
		require.NoError(t, err)
		for _, match := range link.FindAllStringSubmatch(string(text), -1) {
			target, _, _ := strings.Cut(match[1], "#")
			if strings.Contains(target, "://") {
				continue
			}
			_, err := os.Stat(filepath.Join(filepath.Dir(document), target))
			require.NoError(t, err, "%s links to %s", document, target)
		}
	}
}
