package shrink

import (
	"context"
	"sync"

	"ordeal/harness/plan"
	"ordeal/nemesis"
)

// A Judgement is what an Oracle says of a plan.
type Judgement struct {
	// Violates tells that the violation is there.
	Violates bool
	// First tells of a run that was watched that no other class of violation is told before this one.
	First bool
	// Events is how many events the run had.
	Events uint64
	// Tally is what somebody who watched it counted until the violation was there; the zero value
	// where nobody did.
	Tally nemesis.Tallied
}

// An Oracle runs a plan and says whether the violation is there. It is asked by several goroutines
// at a time, and must answer the same to the same question. An error ends the search.
type Oracle func(context.Context, plan.Plan) (Judgement, error)

// A search holds the smallest plan so far.
type search struct {
	oracle  Oracle
	workers int
	// best is the smallest plan so far, and judged what was said of it.
	best   plan.Plan
	judged Judgement
	// vary returns a plan with another timing: that of a number, for 0 its own.
	vary func(p plan.Plan, number int) plan.Plan
	// better tells whether a plan that violates may become the best; nil takes all of them.
	better func(Judgement) bool
	// replays counts the plans that were run, without those that several workers ran ahead of what
	// was needed.
	replays int
}

// An answer is what came of one candidate.
type answer struct {
	plan   plan.Plan
	tried  bool
	judged Judgement
	err    error
}

// ask runs some candidates at a time.
func (s *search) ask(
	ctx context.Context, from, count int, candidate func(int) plan.Plan,
) []answer {
	answers := make([]answer, count)
	var group sync.WaitGroup
	for i := range answers {
		a := &answers[i]
		a.plan = candidate(from + i)
		if a.plan.Validate() != nil {
			continue
		}
		a.tried = true
		group.Go(func() { a.judged, a.err = s.oracle(ctx, a.plan) })
	}
	group.Wait()
	return answers
}

// all runs candidates and returns those that violate, in their order.
func (s *search) all(
	ctx context.Context, count int, candidate func(int) plan.Plan,
) ([]answer, error) {
	var violating []answer
	for from := 0; from < count; from += s.workers {
		for _, a := range s.ask(ctx, from, min(s.workers, count-from), candidate) {
			if a.err != nil {
				return nil, a.err
			}
			if a.tried {
				s.replays++
			}
			if a.judged.Violates {
				violating = append(violating, a)
			}
		}
	}
	return violating, nil
}

// first runs candidates and returns the index of the first one that violates, which becomes the
// best. It is -1 if none does. A few run at a time, but the answer is the one of running them one
// after the other. Candidates that are no valid plans count as legal ones and are not run.
func (s *search) first(ctx context.Context, count int, candidate func(int) plan.Plan) (int, error) {
	for from := 0; from < count; from += s.workers {
		answers := s.ask(ctx, from, min(s.workers, count-from), candidate)
		for i, a := range answers {
			if a.err != nil {
				return -1, a.err
			}
			if a.tried {
				s.replays++
			}
			if a.judged.Violates && (s.better == nil || s.better(a.judged)) {
				s.best, s.judged = a.plan, a.judged
				return from + i, nil
			}
		}
	}
	return -1, nil
}

// anyOf is first for plans, each with the timing that the best one has, and then each with others.
func (s *search) anyOf(ctx context.Context, plans []plan.Plan, seeds int) (bool, error) {
	at, err := s.first(ctx, len(plans)*seeds, func(i int) plan.Plan {
		return s.varied(plans[i%len(plans)], i/len(plans))
	})
	return at >= 0, err
}

// varied returns the plan with the timing of a number.
func (s *search) varied(p plan.Plan, number int) plan.Plan {
	if s.vary == nil {
		return reseeded(p, number)
	}
	return s.vary(p, number)
}

// reseeded returns the plan with another seed of the simulation, but for number 0 with its own.
func reseeded(p plan.Plan, number int) plan.Plan {
	if number > 0 {
		p.Simulation.Seed = uint64(number)
	}
	return p
}

// reduce leaves out as many of count things of the best plan as it can: first all but a half, a
// quarter and so on, then all, halves, quarters, and at last single ones, until no single one can
// be left out. Build returns the plan with only some of them, in their order. It tells whether
// anything was left out.
func (s *search) reduce(
	ctx context.Context, count, seeds int, build func(kept []int) plan.Plan,
) (bool, error) {
	kept := make([]int, count)
	for i := range kept {
		kept[i] = i
	}
	kept, err := s.narrow(ctx, kept, seeds, build)
	if err != nil {
		return len(kept) < count, err
	}
	reduced := len(kept) < count
	for size := len(kept); size > 0; {
		left, err := s.sweep(ctx, kept, size, seeds, build)
		if err != nil {
			return reduced, err
		}
		fewer := len(left) < len(kept)
		reduced = reduced || fewer
		kept = left
		if size = min(size, len(kept)); size > 1 || !fewer {
			size /= 2
		}
	}
	return reduced, nil
}

// narrowLeast is of how many things it is tried whether a part of them is enough, narrowParts how
// many parts of a size are tried: where everything is needed that costs little, and where little is
// needed it saves much.
const narrowLeast, narrowParts = 16, 8

// narrow keeps only a part of the things, as small as it finds one that is enough.
func (s *search) narrow(
	ctx context.Context, kept []int, seeds int, build func([]int) plan.Plan,
) ([]int, error) {
	for size := (len(kept) + 1) / 2; len(kept) >= narrowLeast && size > 0; {
		parts := min(narrowParts, (len(kept)+size-1)/size)
		part := func(i int) []int { return kept[i*size : min((i+1)*size, len(kept))] }
		at, err := s.first(ctx, parts*seeds, func(i int) plan.Plan {
			return s.varied(build(part(i/seeds)), i%seeds)
		})
		if err != nil {
			return kept, err
		}
		if at >= 0 {
			kept = part(at / seeds)
			size = min(size, len(kept))
		}
		if size == 1 {
			break
		}
		size = (size + 1) / 2
	}
	return kept, nil
}

// sweep goes once through the things that are kept and leaves out what it can of them, so many at a
// time. It returns those that are left.
func (s *search) sweep(
	ctx context.Context, kept []int, size, seeds int, build func([]int) plan.Plan,
) ([]int, error) {
	for from := 0; from < len(kept); {
		chunks := (len(kept) - from + size - 1) / size
		without := func(chunk int) []int {
			start := from + chunk*size
			end := min(start+size, len(kept))
			return append(append([]int(nil), kept[:start]...), kept[end:]...)
		}
		at, err := s.first(ctx, chunks*seeds, func(i int) plan.Plan {
			return s.varied(build(without(i/seeds)), i%seeds)
		})
		if err != nil {
			return kept, err
		}
		if at < 0 {
			return kept, nil
		}
		chunk := at / seeds
		kept = without(chunk)
		from += chunk * size
	}
	return kept, nil
}
