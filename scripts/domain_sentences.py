"""Sentences written for the teacher of `domain`: what the fields look like where MMLU has few or no questions."""

SENTENCES = {
    "literature and arts": """
The album was recorded in three weeks and reached number four in the charts; critics praised the single's melody.
The film was directed by a newcomer, and its screenplay and leading actress were nominated for an award.
Her second novel follows three generations of a family and was shortlisted for a literary prize.
The painter exhibited his landscapes at the academy; the museum bought two canvases and a sculpture.
The symphony in four movements was first performed by the city's orchestra under the composer's own direction.
The television series ran for six seasons; the episode was written by its producer and watched by millions.
The poem has fourteen lines, and its rhyme and metre imitate an older form of verse.
The play opened in the theatre's small hall; the audience applauded the actors and the stage design.
The singer toured with the band, released a music video and sang on a soundtrack.
The cathedral's facade, an example of Gothic architecture, was carved by unknown masters.
The comic's main character is a detective; its artist drew every panel in ink.
She said nothing, but looked out of the window and thought of the evening when he had first come to the house.
The dancer joined the ballet company and later choreographed works of her own.""",
    "sports, games and everyday life": """
The team won the championship after the striker scored twice in the second half of the final.
In the ninth inning the pitcher struck out two batters and the home crowd rose to its feet.
The video game lets the player explore dungeons, fight bosses and collect weapons; it was released for two consoles.
The quarterback threw three touchdown passes and the coach signed a new contract at the end of the season.
She finished third in the 200 metres and set a national record at the Olympic games.
Preheat the oven, mix the flour with butter and sugar, and bake the dough for twenty minutes.
How do I remove a stain from a cotton shirt, and how often should I wash it?
White opens with the pawn, gives up a bishop for the attack and mates on the back rank.
What should I give my sister for her birthday? She likes cooking, gardening and her dog.
The driver started from pole position and led the race until a tyre failed on the last lap.
He washes the car, mows the lawn and then paints the fence with a brush.
The wrestler lost the title at the event after the referee was distracted.
Add the chopped onion, garlic and tomatoes to the pan and let the sauce simmer.""",
    "geography and travel": """
The river rises in the mountains, flows north through two lakes and enters the sea near the port.
The town lies on the coast, 40 kilometres south of the capital, and had 12,000 inhabitants at the last census.
The highway runs east from the junction, crosses the county line and ends at an intersection with another route.
The island's climate is tropical, with a wet season from June to October; its highest peak is a dormant volcano.
Book a hotel near the old town, take the train from the airport, and visit the castle before noon.
The desert covers a third of the country and receives less than 100 millimetres of rain in a year.
The hurricane made landfall with strong winds, and flooding was reported in several coastal villages.
What should I see in three days in the city? The museums, the market and a boat trip on the canal.
The national park protects forests, glaciers and a plateau; a trail leads to the viewpoint.
The province borders two countries, and most of its people live in the valley.""",
    "history": """
The regiment landed at dawn and held the fort until the siege was lifted by the relieving army.
The emperor died without an heir, and a civil war between the two dynasties followed.
The battleship was laid down before the war, took part in the battle and was scrapped afterwards.
After the defeat of the kingdom its nobles swore loyalty to the duke and the treaty was signed at the abbey.
The general ordered the division to retreat across the river after heavy casualties.
Excavations uncovered pottery, tombs and the walls of a settlement of the Bronze Age.
In the eighteenth century the colony traded in sugar and slaves until the revolt of its people.
The king granted the town a charter in 1240, and its merchants grew rich from wool.
The coins of the mint bear the portrait of the queen and the date of her coronation.
The squadron's bombers were lost over the enemy's territory in the last year of the war.""",
    "biology": """
The species is a small bird with grey plumage; it nests on the ground and feeds on insects and seeds.
The mushroom has a brown cap, grows on dead wood and is found in forests of the north.
The shark's gestation takes a year; its young are born live and are hunted by larger fish.
The genus was described from fossil teeth and a skull; its relatives lived in the Cretaceous.
The plant flowers in spring, and its leaves are eaten by the larvae of a moth.
The enzyme binds the substrate and lowers the energy needed for the reaction inside the cell.""",
    "engineering and technology": """
The bridge's steel truss was designed to carry two railway tracks; its piers stand on piles.
The engine delivers 300 horsepower through a gearbox with six speeds, and its fuel consumption was reduced.
The voltage across the capacitor rises as current flows through the resistor of the circuit.
The turbine's blades are cast from an alloy that withstands high temperature and pressure.
The aircraft's wing was fitted with new flaps, and its landing gear was strengthened.
The locomotive was rebuilt with a larger boiler, and the line was electrified.
The factory's welding robots are controlled by sensors that measure the position of each part.
The building's foundation and concrete frame were calculated for earthquakes.
How do I replace the bearing of the pump, and which torque do the bolts need?
The satellite's antenna and solar panels were unfolded after the launch of the rocket.""",
    "society": """
Families, class and gender shape how people live together, and surveys show how their norms change.
The newspaper's readers wrote letters about immigration, housing and inequality in the city.
The movement organised marches for civil rights and against discrimination at work.
Poverty and unemployment rose among young people, and charities opened shelters.
The festival brings together the customs, dress and language of the minority.
Journalists and broadcasters argued over what the media should report about the scandal.
Crime fell in the suburbs, where neighbours had founded an association.""",
    "psychology and education": """
The school introduced a new curriculum, and teachers were trained to give feedback to pupils.
The university offers degrees in four faculties and has 9,000 students on its campus.
Children who slept more remembered more of the words that they had learnt the day before.
The therapist helped the patient to notice anxious thoughts and to change the habit.
How can I motivate my students to read, and how should I grade their essays?""",
    "philosophy and religion": """
The bishop consecrated the church, and monks of the order lived in the monastery beside it.
If every event has a cause, can the will be free, and can a man be blamed for what he does?
The goddess is worshipped in temples, and pilgrims bring flowers and sing hymns.
The prophet's teachings were written down by his disciples and became scripture.
Justice, says the philosopher, is a virtue of the soul as well as of the state.""",
    "politics and government": """
The senator was elected by a narrow majority and voted against the bill in the committee.
The minister resigned after the party lost its seats in the parliament.
We the people must keep faith with our constitution, and our government must serve the liberty of every citizen.
The governor signed the law, and the opposition called for a referendum.
The ambassador met the president to discuss the treaty, sanctions and the security of the border.""",
    "law": """
The court of appeal held that the defendant owed a duty of care and set the judgment aside.
The licensee may copy and distribute the work, provided that this notice is kept; there is no warranty.
The contract is void if one party was misled; the other may claim damages.
The jury found him guilty of theft, and the judge sentenced him to two years in prison.""",
    "economics and business": """
The company's revenue grew by eight per cent, and its shares rose after the merger was announced.
The central bank raised interest rates to slow inflation.
I would like to know why my card payment was declined and when the transfer will reach my account.
The start-up sells its product to retailers and spends most of its budget on advertising.""",
    "computing": """
The function returns a list; if the key is missing, an exception is raised and logged.
Install the package, set the environment variable and restart the server.
The network was trained on a graphics card with batches of 64 examples.""",
    "mathematics": """
Let f be a continuous function on a closed interval; then it attains its maximum.
Compute the inverse of a symmetric matrix and the eigenvalues of the product.
She has 24 apples and gives a third of them away; how many are left, and what do they cost?
The estimator is unbiased, and its variance falls with the size of the sample.
The quadratic equation has two real roots, which we find by completing the square.
The integral of the polynomial over the interval is computed from its antiderivative.
A group is abelian if its operation commutes; the order of a subgroup divides that of the group.
Draw the triangle, compute its angles by the sine rule, and prove that the two circles touch.
The theorem is proved by induction on n; the lemma bounds the sum of the series by a function of its derivative.
The determinant of the matrix is zero, so the linear equations have no solution or infinitely many.""",
    "physics and chemistry": """
The star's mass was measured from its orbit; its spectrum shows lines of hydrogen and iron.
The acid reacts with the metal and gives off a gas; the solution is heated until crystals form.
The probability amplitude of the electron is found from the wave equation.
The lake's salt dissolved in water conducts electricity because of its ions.""",
    "medicine and health": """
The patient was treated with antibiotics for an infection of the lungs and discharged after five days.
Symptoms include fever, cough and a rash; the vaccine protects most children.
To lose weight, eat fewer calories, walk every day and sleep enough.
The surgeon removed the tumour, and the nurse changed the dressing twice a day.""",
}
