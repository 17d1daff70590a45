package main

import (
	"fmt"
	"os"
	"strings"
)

// An acceptance is a mutant that is known to change nothing that a test could see, with the reason
// why.
type acceptance struct {
	key, reason string
	line        int
}

// readAccepted reads a list of acceptances. Lines that begin with # are comments. An entry begins
// with the file and the function; then come the lines before and after, once or more, and then the
// reason, which holds for all of them and may go on over several lines. An empty line ends it:
//
//	decide.go sorted
//	- the line as it is
//	+ the line as the mutant has it
//	why that changes nothing
func readAccepted(path string) (map[string]acceptance, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the accepted mutants: %w", err)
	}
	all := map[string]acceptance{}
	number := 0
	var entry []string
	for line := range strings.Lines(string(text) + "\n\n") {
		number++
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "#"):
		case line != "":
			entry = append(entry, line)
		case entry != nil:
			first := number - len(entry)
			if err := addEntry(all, entry, first); err != nil {
				return nil, fmt.Errorf("%s:%d: %w", path, first, err)
			}
			entry = nil
		}
	}
	return all, nil
}

func addEntry(all map[string]acceptance, entry []string, line int) error {
	at := 1
	var keys []string
	for ; at+1 < len(entry) && strings.HasPrefix(entry[at], "- "); at += 2 {
		if !strings.HasPrefix(entry[at+1], "+ ") {
			return fmt.Errorf("the line %q is not followed by one that begins with +", entry[at])
		}
		keys = append(keys, strings.Join([]string{entry[0], entry[at], entry[at+1]}, "\n"))
	}
	reason := strings.Join(entry[at:], " ")
	if keys == nil || reason == "" {
		return fmt.Errorf("an entry is a file and a function, lines with - and +, and a reason")
	}
	for _, key := range keys {
		if other, twice := all[key]; twice {
			return fmt.Errorf("the same mutant is accepted in line %d", other.line)
		}
		all[key] = acceptance{key, reason, line}
	}
	return nil
}
