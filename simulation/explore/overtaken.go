package explore

// overtaking bounds the answers that are yet to come where a value is to be seen although another
// had replaced it. By the definition of these classes (package linearizability, classify.go) some
// operation that touched the newer value was answered, and the guilty one was called after that.
// Where the newer value is to be lost, the guilty one is a compare-and-set that applied, or another
// one saw the older value too, and was called after that as well.
//
// An operation is late if it was called after the first answer that touched a value. So the guilty
// ones are late; before there is such an answer, they are yet to be called. If the newer value is
// to have been seen, somebody else did that.
func (s *search) overtaking(st *state, a *answers) int {
	t := &s.pasts.tallies[st.past]
	if t.touched == 0 {
		return s.untouched(st, a)
	}
	b, left := &s.bound, s.left(st)
	done := t.late > 0
	if b.gone {
		done = t.lateSwaps > 0 || t.late > 1
	}
	if done {
		// Of those that are guilty enough may have been answered, and any answer may show it.
		for range left {
			a.all.add(b.fresh)
		}
		return a.cheapest(&a.all, 1)
	}
	for range left {
		a.all.add(b.fresh)
		a.late.add(b.fresh)
	}
	if !b.gone {
		return a.cheapest(&a.late, 1)
	}
	seen := 0
	if b.seen && !t.seen {
		seen = a.all.least(1) // whoever saw the newer value is another one
	}
	swap := a.lateSwaps.least(1)
	if left > 0 {
		swap = min(swap, b.read+a.proof)
	}
	guilty := min(swap, a.late.least(2-t.late)) + seen
	if left > 0 {
		guilty = min(guilty, s.resuming(st, a, seen))
	}
	return guilty
}

// resuming bounds what is yet to be paid if the guilty one is a compare-and-set that has no phase 1
// of its own: a promise was carried along, or will be with the answer to what is in flight. It
// finds what its node wrote last. Where one value alone was touched, that is the older one. So who
// touches the newer one is yet to be answered, and that value has yet to be proposed if only one
// was: by somebody who has a phase 1, since the promise is spent once. Who touches it may be who
// sees it.
func (s *search) resuming(st *state, a *answers, seen int) int {
	b, cost := &s.bound, never
	if a.mayResume {
		cost = a.proof + a.all.least(1)
	}
	if !a.resumes {
		return cost
	}
	if s.pasts.tallies[st.past].values > 1 || !b.distinct {
		return min(cost, a.proof+seen)
	}
	return min(cost, a.proof+s.unproposed(st, 2)+min(a.all.least(1), b.resumed))
}

// untouched is overtaking as long as no answer has touched a value. No promise was carried along
// yet.
func (s *search) untouched(st *state, a *answers) int {
	b, left := &s.bound, s.left(st)
	if left == 0 {
		return never
	}
	swaps := a.swaps
	for range left {
		a.all.add(b.fresh)
		swaps.add(b.read + a.proof)
	}
	first := a.cheapest(&a.all, 1)
	if !b.gone {
		return first + b.fresh
	}
	// The guilty one pays its phase 1, or was resumed after another answer: of a change, which is
	// not the first answer unless it is a compare-and-set itself. Or there are two guilty ones.
	guilty := min(first+b.read+a.proof,
		min(a.cheapest(&a.all, 2), swaps.least(1))+a.proof)
	if left > 1 {
		guilty = min(guilty, first+2*b.fresh)
	}
	return guilty
}
