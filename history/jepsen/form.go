package jepsen

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// A kind is what a form is, as far as a history needs to know.
type kind uint8

const (
	// other are symbols, strings, characters, booleans, and numbers that are no integers.
	other kind = iota
	null
	integer
	keyword
	// sequence are vectors and lists, which Clojure calls equal.
	sequence
	dictionary
	set
	// tagged has one item, and its tag as text.
	tagged
	// closing is a bracket that ends a collection.
	closing
)

// A form is one value of EDN.
type form struct {
	kind kind
	// text is what an atom is called, the same for all that are equal; the tag of a tagged form.
	text string
	// items are those of a collection; the keys and values of a map take turns.
	items []form
	// line is where it begins.
	line int
}

// untagged returns what stands behind the tags of f: records are maps with a tag.
func (f form) untagged() form {
	for f.kind == tagged {
		f = f.items[0]
	}
	return f
}

// pair tells whether f is a vector of two.
func (f form) pair() bool { return f.kind == sequence && len(f.items) == 2 }

// name returns what a keyword is called, "" if f is none.
func (f form) name() string {
	if f.kind != keyword {
		return ""
	}
	return f.text
}

// shownSizeMax bounds what is shown to people of a form, in bytes.
const shownSizeMax = 200

// shown returns f for people.
func (f form) shown() string {
	text, err := f.print()
	if err != nil {
		return "(" + err.Error() + ")"
	}
	if len(text) <= shownSizeMax {
		return text
	}
	end := shownSizeMax
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + "…"
}

// print returns f as a text that is the same for two forms exactly if Clojure calls them equal, as
// far as it can be known without knowing what the tags mean. It refuses a map with a key, or a set
// with an item, that is there twice.
func (f form) print() (string, error) {
	switch f.kind {
	case sequence:
		items, err := printAll(f.items)
		return "[" + strings.Join(items, " ") + "]", err
	case set:
		items, err := printAll(f.items)
		slices.Sort(items)
		if err == nil && len(slices.Compact(slices.Clone(items))) < len(items) {
			err = fmt.Errorf("a set holds an item twice")
		}
		return "#{" + strings.Join(items, " ") + "}", err
	case dictionary:
		return f.printMap()
	case tagged:
		item, err := f.items[0].print()
		return "#" + f.text + " " + item, err
	}
	return f.text, nil
}

func printAll(forms []form) ([]string, error) {
	texts := make([]string, len(forms))
	for i, f := range forms {
		var err error
		if texts[i], err = f.print(); err != nil {
			return nil, err
		}
	}
	return texts, nil
}

func (f form) printMap() (string, error) {
	texts, err := printAll(f.items)
	if err != nil {
		return "", err
	}
	type entry struct{ key, value string }
	var entries []entry
	for i := 0; i < len(texts); i += 2 {
		entries = append(entries, entry{texts[i], texts[i+1]})
	}
	slices.SortFunc(entries, func(a, b entry) int { return strings.Compare(a.key, b.key) })
	var text strings.Builder
	for i, e := range entries {
		if i > 0 && e.key == entries[i-1].key {
			return "", fmt.Errorf("a map holds the key %.40s twice", e.key)
		}
		if i > 0 {
			text.WriteString(", ")
		}
		text.WriteString(e.key + " " + e.value)
	}
	return "{" + text.String() + "}", nil
}
