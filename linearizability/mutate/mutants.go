package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
)

// A mutant is one change of a source file that a test should notice.
type mutant struct {
	file, function string
	line           int
	// before and after are the lines that change, without their indentation and as one line each.
	before, after string
	// The bytes from..to of the source are replaced by text.
	from, to int
	text     string
	// declaration is the function that it is in, nil if it is in none. Its text begins and ends at
	// these bytes of the source, and its name and its body begin there.
	declaration            *ast.FuncDecl
	begin, end, name, body int
}

// source returns the whole of the changed file.
func (m mutant) source(original []byte) []byte {
	changed := append([]byte{}, original[:m.from]...)
	return append(append(changed, m.text...), original[m.to:]...)
}

// key tells mutants apart, and stays as it is when other lines move.
func (m mutant) key() string {
	return m.file + " " + m.function + "\n- " + m.before + "\n+ " + m.after
}

// A finder collects the mutants of one file.
type finder struct {
	name     string
	source   []byte
	file     *token.File
	function string
	// declaration is nil outside of functions.
	declaration *ast.FuncDecl
	// results are the types that the function returns.
	results []ast.Expr
	// variadic are the functions whose arguments can be left out one by one.
	variadic map[string]bool
	// names are not uses of what they name: what is defined, and the fields of a literal.
	names map[ast.Node]bool
	found []mutant
	seen  map[string]bool
}

// mutantsOf returns all mutants of a source file, in the order of their places.
func mutantsOf(name string, source []byte) ([]mutant, error) {
	set := token.NewFileSet()
	tree, err := parser.ParseFile(set, name, source, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	f := &finder{
		name: name, source: source, file: set.File(tree.Pos()), seen: map[string]bool{},
		names:    map[ast.Node]bool{},
		variadic: map[string]bool{"append": true, "cmp.Or": true, "newViolation": true},
	}
	for _, declaration := range tree.Decls {
		f.declared(declaration)
	}
	return f.found, nil
}

func (f *finder) declared(declaration ast.Decl) {
	f.function, f.results, f.declaration = "", nil, nil
	if function, ok := declaration.(*ast.FuncDecl); ok {
		f.function, f.declaration = function.Name.Name, function
		if function.Type.Results != nil {
			for _, field := range function.Type.Results.List {
				for range max(len(field.Names), 1) {
					f.results = append(f.results, field.Type)
				}
			}
		}
		ast.Inspect(function.Body, f.visit)
		return
	}
	if general := declaration.(*ast.GenDecl); general.Tok == token.CONST || general.Tok == token.VAR {
		for _, spec := range general.Specs {
			f.function = spec.(*ast.ValueSpec).Names[0].Name
			for _, value := range spec.(*ast.ValueSpec).Values {
				ast.Inspect(value, f.visit)
			}
		}
	}
}

func (f *finder) offset(at token.Pos) int { return f.file.Offset(at) }

func (f *finder) textOf(node ast.Node) string {
	return string(f.source[f.offset(node.Pos()):f.offset(node.End())])
}

// replace adds the mutant in which a node is something else.
func (f *finder) replace(node ast.Node, text string, values ...any) {
	f.replaceRange(node.Pos(), node.End(), fmt.Sprintf(text, values...))
}

func (f *finder) replaceRange(from, to token.Pos, text string) {
	m := mutant{
		file: f.name, function: f.function, line: f.file.Line(from),
		from: f.offset(from), to: f.offset(to), text: text,
	}
	if d := f.declaration; d != nil {
		m.declaration, m.begin, m.end = d, f.offset(d.Pos()), f.offset(d.End())
		m.name, m.body = f.offset(d.Name.Pos()), f.offset(d.Body.Pos())
	}
	begin := strings.LastIndexByte(string(f.source[:m.from]), '\n') + 1
	end := m.to
	for end < len(f.source) && f.source[end] != '\n' {
		end++
	}
	m.before = oneLine(string(f.source[begin:end]))
	m.after = oneLine(string(f.source[begin:m.from]) + text + string(f.source[m.to:end]))
	if m.before == m.after || f.seen[fmt.Sprint(m.from, m.to, m.text)] {
		return
	}
	f.seen[fmt.Sprint(m.from, m.to, m.text)] = true
	// The same line may stand in a function more than once.
	same := 1
	for _, other := range f.found {
		if other.function == m.function && other.before == m.before &&
			strings.TrimSuffix(other.after, fmt.Sprintf(" // no. %d", same)) == m.after {
			same++
		}
	}
	if same > 1 {
		m.after += fmt.Sprintf(" // no. %d", same)
	}
	f.found = append(f.found, m)
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
