/* The one classic script of ours: modules run after the page is parsed, this mark must stand before it is painted.
   CSS hides by it what only pages without script need, and shows what only script can do. */
document.documentElement.classList.add("js");
