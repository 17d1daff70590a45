package main

import (
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// sameline TEXT FILE FILE checks that the first line with the text is the same in both files.
func sameLine(script *testscript.TestScript, negated bool, args []string) {
	if negated || len(args) != 3 {
		script.Fatalf("usage: sameline TEXT FILE FILE")
	}
	lines := make([]string, 2)
	for i, name := range args[1:] {
		for line := range strings.Lines(script.ReadFile(name)) {
			if strings.Contains(line, args[0]) {
				lines[i] = line
				break
			}
		}
		if lines[i] == "" {
			script.Fatalf("%s has no line with %q", name, args[0])
		}
	}
	if lines[0] != lines[1] {
		script.Fatalf("they differ: %s and %s", lines[0], lines[1])
	}
}
