// A click on one of the ten hands picks it.
element.addEventListener("click", (event) => {
  const hand = event.target.closest("[data-pick]");
  if (hand) trigger("pick", { hand: hand.dataset.pick });
});
