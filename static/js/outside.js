/* Extras of the pages for people outside the company: they have forms, and nothing else of ours. */

import { focusErrors, showCounts } from "./forms.js";

showCounts(document);
focusErrors(document);
