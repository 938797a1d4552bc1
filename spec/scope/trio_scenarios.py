"""The scenarios of trio_scenarios.lua, in Trio on its mock clock: the same log
is expected of both. See docs/guide.md for where the two models differ."""

import trio
import trio.testing


def log(*words):
    print(*words, "at", round(trio.current_time()))


async def nested():
    with trio.move_on_after(10):
        with trio.move_on_after(1):
            await trio.sleep(60)
        log("the inner block was cut")
        await trio.sleep(1)
        log("the outer one goes on")


async def outer_first():
    with trio.move_on_after(1):
        with trio.move_on_after(10):
            await trio.sleep(60)
        log("never")
    log("the outer block was cut")


async def shield():
    with trio.move_on_after(1):
        with trio.CancelScope(shield=True):
            await trio.sleep(3)
            log("shielded")
        await trio.sleep(1)
        log("never")
    log("cut behind the shield")


async def timeout_in_shield():
    with trio.CancelScope(shield=True):
        with trio.move_on_after(1):
            await trio.sleep(60)
        log("a shield does not hold off what is inside")


async def clean_up():
    async def member():
        try:
            await trio.sleep(60)
        finally:
            with trio.CancelScope(shield=True):  # in miniloop: the grace time
                await trio.sleep(2)
            log("cleaned up")

    with trio.move_on_after(1):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(member)
    log("the block ended after its member")


async def failure():
    async def fails():
        await trio.sleep(1)
        raise ValueError("broken")

    async def sibling():
        try:
            await trio.sleep(60)
        except trio.Cancelled:
            log("the sibling was cancelled")
            raise

    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(fails)
            nursery.start_soon(sibling)
            await trio.sleep(60)
    except ValueError as error:
        log("the block raised", error)


async def cancelled_by_a_member():
    async def member(scope):
        await trio.sleep(1)
        scope.cancel()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(member, nursery.cancel_scope)
        await trio.sleep(60)
        log("never")
    log("the block was cancelled")


async def waiting_for_a_cancelled_one():
    ended = trio.Event()
    scope = trio.CancelScope()

    async def victim():
        with scope:
            try:
                await trio.sleep(60)
            finally:
                ended.set()

    async def waiter():
        await ended.wait()
        log("who waited goes on")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(victim)
        nursery.start_soon(waiter)
        await trio.sleep(1)
        scope.cancel()


async def race_with_completion():
    ready = trio.Event()
    scope = trio.CancelScope()

    async def member():
        with scope:
            await ready.wait()
            log("the answer was made first")
            await trio.sleep(1)
            log("never")
        log("then it was cancelled")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(member)
        await trio.sleep(1)
        ready.set()
        scope.cancel()


async def grandchildren():
    async def leaf():
        try:
            await trio.sleep(60)
        finally:
            log("a leaf was closed")

    async def branch():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(leaf)
            nursery.start_soon(leaf)

    with trio.move_on_after(1):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(branch)
            nursery.start_soon(branch)
    log("all of them are gone")


async def caught():
    with trio.move_on_after(1) as scope:
        try:
            await trio.sleep(60)
        except trio.Cancelled:
            log("caught")
            raise
    log("cut", scope.cancelled_caught)


for scenario in (nested, outer_first, shield, timeout_in_shield, clean_up,
                 failure, cancelled_by_a_member, waiting_for_a_cancelled_one,
                 race_with_completion, grandchildren, caught):
    print(scenario.__name__)
    trio.run(scenario, clock=trio.testing.MockClock(autojump_threshold=0))
