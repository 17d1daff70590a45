//go:build unix

package main

import (
	"bytes"
	"context"
	"fmt"
	"go/ast"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// variable is what chooses a mutant of a batch, as an environment variable of the tests.
const variable = "ORDEAL_MUTANT"

// chooser is added to the package that is tested.
const chooser = `package linearizability

import (
	"os"
	"strconv"
)

var mutantNumber, _ = strconv.Atoi(os.Getenv("` + variable + `"))
`

// A batch is one source file with many mutants in it, so that the tests are built once for all of
// them: to build takes longer than most mutants live. Each mutant is a copy of its function under
// another name, and a function under the old name calls the copy that is chosen, or the original.
type batch struct {
	file   string
	source []byte
	// mutants are those that stand in it, by their number.
	mutants map[int]mutant
}

// canBeCopied tells whether the mutant is inside a function that a batch can hold copies of: one
// whose parameters have names that it can hand on.
func (m mutant) canBeCopied() bool {
	if m.declaration == nil || m.declaration.Type.TypeParams != nil {
		return false
	}
	lists := []*ast.FieldList{m.declaration.Type.Params}
	if m.declaration.Recv != nil {
		lists = append(lists, m.declaration.Recv)
	}
	for _, list := range lists {
		for _, field := range list.List {
			unnamed := func(name *ast.Ident) bool { return name.Name == "_" }
			if len(field.Names) == 0 || slices.ContainsFunc(field.Names, unnamed) {
				return false
			}
		}
	}
	return true
}

// text returns the file with all mutants, and for each line the number of the mutant that it
// belongs to, or 0.
func (b *batch) text() ([]byte, []int) {
	var out bytes.Buffer
	var owners []int
	write := func(text []byte, owner int) {
		out.Write(text)
		for range bytes.Count(text, []byte("\n")) {
			owners = append(owners, owner)
		}
	}
	byFunction := map[int][]int{}
	starts := map[int]mutant{}
	for _, n := range b.numbers() {
		m := b.mutants[n]
		byFunction[m.begin] = append(byFunction[m.begin], n)
		starts[m.begin] = m
	}
	at := 0
	var begins []int
	for begin := range starts {
		begins = append(begins, begin)
	}
	slices.Sort(begins)
	for _, begin := range begins {
		one := starts[begin]
		write(b.source[at:begin], 0)
		write([]byte(one.dispatcher(b.source, byFunction[begin])), 0)
		write([]byte(one.copy(b.source, 0, b.source[one.begin:one.end])), 0)
		for _, n := range byFunction[begin] {
			m := b.mutants[n]
			changed := slices.Concat(b.source[m.begin:m.from], []byte(m.text), b.source[m.to:m.end])
			write([]byte(m.copy(b.source, n, changed)), n)
		}
		at = one.end
	}
	write(b.source[at:], 0)
	return out.Bytes(), owners
}

func (b *batch) numbers() []int {
	var all []int
	for n := range b.mutants {
		all = append(all, n)
	}
	slices.Sort(all)
	return all
}

// copyName is what the n-th mutant of a function is called, and 0 the original.
func copyName(function string, n int) string { return fmt.Sprintf("%sMutant%d", function, n) }

// copy returns the text of the function under the name of the n-th mutant. The change comes after
// the name.
func (m mutant) copy(source []byte, n int, text []byte) string {
	name := string(source[m.begin:m.name]) + copyName(m.function, n)
	return name + string(text[m.name-m.begin+len(m.function):]) + "\n\n"
}

// dispatcher returns the text of the function that calls the mutant that is chosen.
func (m mutant) dispatcher(source []byte, numbers []int) string {
	var out strings.Builder
	fmt.Fprintf(&out, "%s{\n\tswitch mutantNumber {\n", source[m.begin:m.body])
	for _, n := range numbers {
		fmt.Fprintf(&out, "\tcase %d:\n\t\t%s\n", n, m.callOf(n))
	}
	fmt.Fprintf(&out, "\tdefault:\n\t\t%s\n\t}\n}\n\n", m.callOf(0))
	return out.String()
}

// callOf returns the call of a copy, with all parameters handed on.
func (m mutant) callOf(n int) string {
	var arguments []string
	for _, field := range m.declaration.Type.Params.List {
		for _, name := range field.Names {
			argument := name.Name
			if _, variadic := field.Type.(*ast.Ellipsis); variadic {
				argument += "..."
			}
			arguments = append(arguments, argument)
		}
	}
	call := fmt.Sprintf("%s(%s)", copyName(m.function, n), strings.Join(arguments, ", "))
	if m.declaration.Recv != nil {
		call = m.declaration.Recv.List[0].Names[0].Name + "." + call
	}
	if m.declaration.Type.Results != nil {
		return "return " + call
	}
	return call
}

// refused finds the line of each complaint of the compiler about a file.
func refused(output, file string) []int {
	var lines []int
	complaint := regexp.MustCompile(regexp.QuoteMeta(file) + `:(\d+):\d+: `)
	for _, match := range complaint.FindAllStringSubmatch(output, -1) {
		line, err := strconv.Atoi(match[1])
		if err == nil {
			lines = append(lines, line)
		}
	}
	return lines
}

// build builds the tests with every mutant of the batch that compiles, and takes the others out of
// it. It returns the path of the tests.
func (b *batch) build(ctx context.Context, r *runner) (string, error) {
	for {
		text, owners := b.text()
		files := map[string][]byte{b.file: text, "mutant_number.go": []byte(chooser)}
		path, output, err := r.build(ctx, files)
		if err == nil || ctx.Err() != nil {
			return path, err
		}
		before := len(b.mutants)
		for _, line := range refused(output, b.file) {
			if line <= len(owners) {
				delete(b.mutants, owners[line-1])
			}
		}
		if len(b.mutants) == before {
			return "", fmt.Errorf("build the tests with the mutants of %s: %w\n%s", b.file, err, output)
		}
	}
}
